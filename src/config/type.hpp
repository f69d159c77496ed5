#pragma once

#include <memory>
#include <utility>

#include "config/node.hpp"
#include "config/shape.hpp"

namespace gh::config {

class Reader;

/// How values of type V are read from a file, shown in one, and described by a schema: three sides of one table.
/// Immutable; copies share.
template <class V>
class Type {
 public:
    class Rules {
     public:
        virtual ~Rules() = default;
        /// Reads `node` into `out`. False when something was wrong; the reader has it noted, `out` is then unspecified.
        virtual bool read(const Node& node, Reader& reader, V& out) const = 0;
        /// As it would be written; null for "not set".
        [[nodiscard]] virtual Node show(const V& value) const = 0;
        [[nodiscard]] virtual Shape shape() const = 0;
    };

    explicit Type(std::shared_ptr<const Rules> rules) : rules_(std::move(rules)) {}
    bool read(const Node& node, Reader& reader, V& out) const {
        return rules_->read(node, reader, out);
    }
    [[nodiscard]] Node show(const V& value) const { return rules_->show(value); }
    [[nodiscard]] Shape shape() const { return rules_->shape(); }

 private:
    std::shared_ptr<const Rules> rules_;
};

}  // namespace gh::config
