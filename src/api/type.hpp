#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace gh::api {

inline constexpr std::size_t field_errors_max = 32;

/// What is wrong with one field of a request. Fit for anyone's eyes: says what is allowed, and nothing of what was sent.
struct FieldError {
    enum class In : std::uint8_t { body, query };
    In in = In::body;
    std::string where;  ///< JSON pointer into the body (RFC 6901), or the name of a query parameter
    std::string_view
        code;  ///< "required", "unknown", "type", "length", "range", ...; static storage
    std::string detail;
};

/// One pass over one body or query: knows where it is and collects what is wrong, up to `field_errors_max`.
class Reader {
 public:
    /// @param textual  values are text throughout, as queries and forms have them: numbers are read from it
    Reader(FieldError::In in, bool textual, std::vector<FieldError>& errors)
        : in_(in), textual_(textual), errors_(errors) {}
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// A longer pointer until it goes.
    class Step {
     public:
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;
        ~Step() { where_.resize(length_); }

     private:
        friend class Reader;
        Step(std::string& where, std::size_t length) : where_(where), length_(length) {}
        std::string& where_;
        std::size_t length_;
    };
    [[nodiscard]] Step enter(std::string_view name);
    [[nodiscard]] Step enter(std::size_t index);

    /// Notes an error here; reading goes on, to find the others.
    /// @param code  static storage
    void refuse(std::string_view code, std::string detail);

    [[nodiscard]] bool textual() const { return textual_; }
    [[nodiscard]] std::size_t errors() const { return errors_.size(); }

 private:
    FieldError::In in_;
    bool textual_;
    std::vector<FieldError>& errors_;
    std::string where_;
};

/// JSON Schemas (2020-12) that have a name, each written once: components/schemas of an OpenAPI document.
class Schemas {
 public:
    using Describe = std::function<void(codec::json::Writer&)>;
    /// Writes a reference to the schema of this name, and asks for it where nobody has yet.
    void refer(codec::json::Writer& out, const std::string& name, const Describe& describe);
    [[nodiscard]] const std::map<std::string, std::string>& all() const { return written_; }

 private:
    std::map<std::string, std::string> written_;
};

/// How values of type V are read from JSON, written as JSON and described by a JSON Schema: three sides of one table.
/// Immutable; copies share. (config::Type is the same idea for files, where values have lines, units and references; a
/// request has none of these and must never get at a reference.)
template <class V>
class Type {
 public:
    class Rules {
     public:
        virtual ~Rules() = default;
        /// Reads into `out`. False when something was wrong; the reader has it noted, `out` is then unspecified.
        virtual bool read(const codec::json::Value& in, Reader& reader, V& out) const = 0;
        virtual void write(codec::json::Writer& out, const V& value) const = 0;
        /// As a member of an object: false leaves it out.
        [[nodiscard]] virtual bool is_set(const V&) const { return true; }
        virtual void describe(codec::json::Writer& out, Schemas& schemas) const = 0;
    };

    explicit Type(std::shared_ptr<const Rules> rules) : rules_(std::move(rules)) {}
    bool read(const codec::json::Value& in, Reader& reader, V& out) const {
        return rules_->read(in, reader, out);
    }
    void write(codec::json::Writer& out, const V& value) const { rules_->write(out, value); }
    [[nodiscard]] bool is_set(const V& value) const { return rules_->is_set(value); }
    void describe(codec::json::Writer& out, Schemas& schemas) const {
        rules_->describe(out, schemas);
    }
    /// `value` as a document.
    [[nodiscard]] std::string json(const V& value) const {
        std::string text;
        codec::json::Writer out(text);
        write(out, value);
        return text;
    }

 private:
    std::shared_ptr<const Rules> rules_;
};

}  // namespace gh::api
