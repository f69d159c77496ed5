#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/type.hpp"

namespace gh::api {

/// The members of `in`, every one of them known; null, with the errors noted, when it is no object. Unknown members are
/// noted too, and `good` made false.
[[nodiscard]] const codec::json::Members* check_members(const codec::json::Value& in,
                                                        Reader& reader,
                                                        const std::vector<std::string_view>& known,
                                                        bool& good);
void refuse_missing(Reader& reader);
/// A schema, or a reference to one, and beside it what a member of that kind means here.
[[nodiscard]] std::string with_description(std::string_view schema, std::string_view doc);

/// The table of a JSON object: which member sets which of T, and what the manual says of it.
///
///     const auto user = Object<User>("User", "Somebody who may log in.")
///                           .required("name", &User::name, text(), "Unique.")
///                           .optional("email", &User::email, maybe(text()), "Where to write to.")
///                           .type();
///
/// Reading, an optional member that is absent leaves T's at its default. Writing, members are left out where their type
/// says that they are not set.
template <class T>
class Object {
 public:
    /// What has to hold between members; notes its errors itself.
    using Check = std::function<void(Reader&, const T&)>;

    /// @param name  of the schema, unique in the house: "NewUser"
    explicit Object(std::string name, std::string doc)
        : name_(std::move(name)), doc_(std::move(doc)) {}

    template <class V>
    Object& required(std::string name, V T::* member, Type<V> type, std::string doc) {
        return add(std::move(name), member, std::move(type), std::move(doc), true);
    }
    template <class V>
    Object& optional(std::string name, V T::* member, Type<V> type, std::string doc) {
        return add(std::move(name), member, std::move(type), std::move(doc), false);
    }
    /// Looked at once all members were read well.
    Object& check(Check check) {
        checks_.push_back(std::move(check));
        return *this;
    }

    [[nodiscard]] Type<T> type() const { return Type<T>(std::make_shared<Rules>(*this)); }

    /// Members one by one, as an OpenAPI document wants query parameters.
    using Visit = std::function<void(const std::string& name, const std::string& doc, bool required,
                                     const std::function<void(codec::json::Writer&, Schemas&)>&)>;
    void each_member(const Visit& visit) const {
        for (const auto& entry : entries_)
            visit(entry.name, entry.doc, entry.required, entry.describe);
    }

 private:
    struct Entry {
        std::string name, doc;
        bool required;
        std::function<bool(const codec::json::Value&, Reader&, T&)> read;
        std::function<void(codec::json::Writer&, const T&)> write;
        std::function<bool(const T&)> is_set;
        std::function<void(codec::json::Writer&, Schemas&)> describe;
    };

    template <class V>
    Object& add(std::string name, V T::* member, Type<V> type, std::string doc, bool required) {
        entries_.push_back(Entry{
            .name = std::move(name),
            .doc = std::move(doc),
            .required = required,
            .read = [type, member](const codec::json::Value& in, Reader& reader,
                                   T& into) { return type.read(in, reader, into.*member); },
            .write = [type, member](codec::json::Writer& out,
                                    const T& from) { type.write(out, from.*member); },
            .is_set = [type, member](const T& from) { return type.is_set(from.*member); },
            .describe = [type](codec::json::Writer& out,
                               Schemas& schemas) { type.describe(out, schemas); },
        });
        return *this;
    }

    class Rules final : public Type<T>::Rules {
     public:
        explicit Rules(Object table) : table_(std::move(table)) {
            for (const auto& entry : table_.entries_) known_.push_back(entry.name);
        }
        bool read(const codec::json::Value& in, Reader& reader, T& out) const override {
            bool good = true;
            if (check_members(in, reader, known_, good) == nullptr) return false;
            for (const auto& entry : table_.entries_) {
                const auto* value = in.find(entry.name);
                if (value == nullptr && !entry.required) continue;
                const auto step = reader.enter(entry.name);
                if (value == nullptr) refuse_missing(reader);
                good = value != nullptr && entry.read(*value, reader, out) && good;
            }
            if (!good) return false;
            const auto before = reader.errors();
            for (const auto& check : table_.checks_) check(reader, out);
            return reader.errors() == before;
        }
        void write(codec::json::Writer& out, const T& value) const override {
            out.begin_object();
            for (const auto& entry : table_.entries_) {
                if (!entry.is_set(value)) continue;
                out.name(entry.name);
                entry.write(out, value);
            }
            out.end_object();
        }
        void describe(codec::json::Writer& out, Schemas& schemas) const override {
            schemas.refer(out, table_.name_,
                          [&](codec::json::Writer& schema) { describe_whole(schema, schemas); });
        }

     private:
        void describe_whole(codec::json::Writer& out, Schemas& schemas) const {
            out.begin_object().name("type").string("object");
            out.name("description").string(table_.doc_);
            out.name("additionalProperties").boolean(false);
            out.name("required").begin_array();
            for (const auto& entry : table_.entries_) {
                if (entry.required) out.string(entry.name);
            }
            out.end_array().name("properties").begin_object();
            for (const auto& entry : table_.entries_) {
                std::string schema;
                codec::json::Writer inner(schema);
                entry.describe(inner, schemas);
                out.name(entry.name).raw(with_description(schema, entry.doc));
            }
            out.end_object().end_object();
        }
        Object table_;
        std::vector<std::string_view> known_;
    };

    std::string name_, doc_;
    std::vector<Entry> entries_;
    std::vector<Check> checks_;
};

}  // namespace gh::api
