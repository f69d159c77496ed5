#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.hpp"
#include "config/type.hpp"

namespace gh::config {

/// False, with the problem noted, when `node` is no map; notes each key that is not in `known`.
[[nodiscard]] bool check_keys(const Node& node, Reader& reader,
                              const std::vector<std::string_view>& known);

/// The table of a section: which key sets which member of T, and what the manual says of it.
///
///     Object<LimitsConfig> table;
///     table.key("connections_max", &LimitsConfig::connections_max, integer(1U, 1'000'000U), "Connections at once.");
///
/// A key that is left out leaves the member at its default.
template <class T>
class Object {
 public:
    /// What has to hold between keys; notes its problems itself, returns false when there were some.
    using Check = std::function<bool(const Node&, Reader&, const T&)>;

    template <class V>
    Object& key(std::string name, V T::* member, Type<V> type, std::string doc) {
        return add(
            std::move(name), std::move(type), std::move(doc), false,
            [member](T& into, V value) { into.*member = std::move(value); },
            [member](const T& from) -> V { return from.*member; });
    }
    /// One that has no default.
    template <class V>
    Object& required(std::string name, V T::* member, Type<V> type, std::string doc) {
        return add(
            std::move(name), std::move(type), std::move(doc), true,
            [member](T& into, V value) { into.*member = std::move(value); },
            [member](const T& from) -> V { return from.*member; });
    }
    /// A key that is not one member.
    template <class V>
    Object& part(std::string name, std::function<void(T&, V)> put, std::function<V(const T&)> get,
                 Type<V> type, std::string doc) {
        return add(std::move(name), std::move(type), std::move(doc), false, std::move(put),
                   std::move(get));
    }
    /// Looked at once all keys were read well.
    Object& check(Check check) {
        checks_.push_back(std::move(check));
        return *this;
    }

    [[nodiscard]] Type<T> type() const { return Type<T>(std::make_shared<Rules>(*this)); }

 private:
    struct Entry {
        std::string name, doc;
        bool required;
        std::function<bool(const Node&, Reader&, T&)> read;
        std::function<Node(const T&)> show;
        std::function<Shape()> shape;
    };

    template <class V, class Put, class Get>
    Object& add(std::string name, Type<V> type, std::string doc, bool required, Put put, Get get) {
        entries_.push_back(Entry{
            .name = std::move(name),
            .doc = std::move(doc),
            .required = required,
            .read =
                [type, put, get](const Node& node, Reader& reader, T& into) {
                    V value = get(into);
                    if (!type.read(node, reader, value)) return false;
                    put(into, std::move(value));
                    return true;
                },
            .show = [type, get](const T& from) { return type.show(get(from)); },
            .shape = [type] { return type.shape(); },
        });
        return *this;
    }

    class Rules final : public Type<T>::Rules {
     public:
        explicit Rules(Object table) : table_(std::move(table)) {
            for (const auto& entry : table_.entries_) known_.push_back(entry.name);
        }
        bool read(const Node& node, Reader& reader, T& out) const override {
            bool good = check_keys(node, reader, known_);
            if (node.kind() != Node::Kind::map) return false;
            for (const auto& entry : table_.entries_) {
                const auto* child = node.find(entry.name);
                if (child == nullptr && !entry.required) continue;
                const auto step = reader.enter(entry.name);
                if (child == nullptr) reader.refuse(node, "is missing: " + entry.doc);
                good = child != nullptr && entry.read(*child, reader, out) && good;
            }
            if (!good) return false;
            for (const auto& check : table_.checks_) good = check(node, reader, out) && good;
            return good;
        }
        Node show(const T& value) const override {
            Node out = Node::map();
            for (const auto& entry : table_.entries_) {
                Node child = entry.show(value);
                if (child.kind() != Node::Kind::null) out.put(entry.name, std::move(child));
            }
            return out;
        }
        Shape shape() const override {
            Shape out{.kind = Shape::Kind::object};
            for (const auto& entry : table_.entries_) {
                out.properties.push_back(
                    Shape::Property{entry.name, entry.doc, entry.required, entry.shape()});
            }
            return out;
        }

     private:
        Object table_;
        std::vector<std::string_view> known_;
    };

    std::vector<Entry> entries_;
    std::vector<Check> checks_;
};

}  // namespace gh::config
