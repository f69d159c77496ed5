#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/type.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

// The types that fields are made of. Each is a value: list_of(mapped(text(), parse, print)).

namespace gh::api {

/// What a text must look like beyond its length.
struct Form {
    bool (*holds)(std::string_view) = nullptr;
    std::string_view said;  ///< "letters, digits and '-'": what is allowed, for the error
    std::string_view
        pattern;  ///< the same as a regular expression (ECMA-262) for the schema; may be empty
    std::string_view format;  ///< of JSON Schema, such as "uri"; may be empty
};

struct TextRule {
    std::size_t length_min = 1;    ///< in characters
    std::size_t length_max = 256;  ///< in characters
    bool lines =
        false;  ///< line breaks and tabs may stand in it; other control characters never may
    bool secret = false;  ///< a password or key: never in an answer
    Form form = {};
};

[[nodiscard]] Type<std::string> text(TextRule rule = {});
[[nodiscard]] Type<bool> boolean();
[[nodiscard]] Type<std::int64_t> integer_64(std::int64_t least, std::int64_t most);
/// A part of a whole, 0 to 1.
[[nodiscard]] Type<double> fraction();
/// A moment, RFC 3339 in UTC to the second: "2027-01-31T00:00:00Z".
[[nodiscard]] Type<SystemTime> time();
/// A JSON object, as text: what clients have among themselves. Written as it was read.
[[nodiscard]] Type<std::string> json_object(std::size_t bytes_max);
/// One of `words`, by index.
[[nodiscard]] Type<std::size_t> word_of(std::vector<std::string> words);

/// Another type for the same JSON: `parse` may refuse, and the client then reads `said`; `print` is its way back.
template <class V, class W>
[[nodiscard]] Type<W> mapped(Type<V> from, std::function<Result<W>(const V&)> parse,
                             std::function<V(const W&)> print, std::string said) {
    class Rules final : public Type<W>::Rules {
     public:
        Rules(Type<V> from, std::function<Result<W>(const V&)> parse,
              std::function<V(const W&)> print, std::string said)
            : from_(std::move(from)),
              parse_(std::move(parse)),
              print_(std::move(print)),
              said_(std::move(said)) {}
        bool read(const codec::json::Value& in, Reader& reader, W& out) const override {
            V value{};
            if (!from_.read(in, reader, value)) return false;
            auto parsed = parse_(value);
            if (!parsed) {
                reader.refuse("invalid", said_);
                return false;
            }
            out = *std::move(parsed);
            return true;
        }
        void write(codec::json::Writer& out, const W& value) const override {
            from_.write(out, print_(value));
        }
        void describe(codec::json::Writer& out, Schemas& schemas) const override {
            from_.describe(out, schemas);
        }

     private:
        Type<V> from_;
        std::function<Result<W>(const V&)> parse_;
        std::function<V(const W&)> print_;
        std::string said_;
    };
    return Type<W>(std::make_shared<Rules>(std::move(from), std::move(parse), std::move(print),
                                           std::move(said)));
}

/// A whole number that fits `I`.
template <std::integral I>
[[nodiscard]] Type<I> integer(I least, I most) {
    return mapped<std::int64_t, I>(
        integer_64(static_cast<std::int64_t>(least), static_cast<std::int64_t>(most)),
        [](const std::int64_t& wide) -> Result<I> { return static_cast<I>(wide); },
        [](const I& value) { return static_cast<std::int64_t>(value); }, {});
}

/// One of a few words.
template <class E>
[[nodiscard]] Type<E> choice(std::vector<std::pair<std::string, E>> pairs) {
    std::vector<std::string> words;
    std::vector<E> values;
    for (auto& [word, value] : pairs) {
        words.push_back(std::move(word));
        values.push_back(value);
    }
    return mapped<std::size_t, E>(
        word_of(std::move(words)),
        [values](const std::size_t& index) -> Result<E> { return values[index]; },
        [values](const E& value) {
            std::size_t index = 0;
            while (index + 1 < values.size() && values[index] != value) ++index;
            return index;
        },
        {});
}

/// A member that may be absent. It is never null, neither read nor written.
template <class V>
[[nodiscard]] Type<std::optional<V>> maybe(Type<V> type) {
    class Rules final : public Type<std::optional<V>>::Rules {
     public:
        explicit Rules(Type<V> type) : type_(std::move(type)) {}
        bool read(const codec::json::Value& in, Reader& reader,
                  std::optional<V>& out) const override {
            return type_.read(in, reader, out.emplace());
        }
        void write(codec::json::Writer& out, const std::optional<V>& value) const override {
            if (value) {
                type_.write(out, *value);
            } else {
                out.null();
            }
        }
        [[nodiscard]] bool is_set(const std::optional<V>& value) const override {
            return value.has_value();
        }
        void describe(codec::json::Writer& out, Schemas& schemas) const override {
            type_.describe(out, schemas);
        }

     private:
        Type<V> type_;
    };
    return Type<std::optional<V>>(std::make_shared<Rules>(std::move(type)));
}

/// A member that is always there, null where there is nothing to say.
template <class V>
[[nodiscard]] Type<std::optional<V>> nullable(Type<V> type) {
    class Rules final : public Type<std::optional<V>>::Rules {
     public:
        explicit Rules(Type<V> type) : type_(std::move(type)) {}
        bool read(const codec::json::Value& in, Reader& reader,
                  std::optional<V>& out) const override {
            out.reset();
            return in.is_null() || type_.read(in, reader, out.emplace());
        }
        void write(codec::json::Writer& out, const std::optional<V>& value) const override {
            if (value) {
                type_.write(out, *value);
            } else {
                out.null();
            }
        }
        void describe(codec::json::Writer& out, Schemas& schemas) const override {
            out.begin_object().name("anyOf").begin_array();
            type_.describe(out, schemas);
            out.begin_object().name("type").string("null").end_object();
            out.end_array().end_object();
        }

     private:
        Type<V> type_;
    };
    return Type<std::optional<V>>(std::make_shared<Rules>(std::move(type)));
}

struct ListRule {
    std::size_t items_min = 0;
    std::size_t items_max = 100;
    bool distinct = false;
};

/// Null, with the error noted, when `in` is no array or its length is out of bounds.
[[nodiscard]] const codec::json::Array* check_list(const codec::json::Value& in, Reader& reader,
                                                   const ListRule& rule);
void describe_list(codec::json::Writer& out, const ListRule& rule,
                   const std::function<void()>& describe_items);

/// @tparam V  comparable where the rule says distinct
template <class V>
[[nodiscard]] Type<std::vector<V>> list_of(Type<V> type, ListRule rule = {}) {
    class Rules final : public Type<std::vector<V>>::Rules {
     public:
        Rules(Type<V> type, ListRule rule) : type_(std::move(type)), rule_(rule) {}
        bool read(const codec::json::Value& in, Reader& reader,
                  std::vector<V>& out) const override {
            const auto* items = check_list(in, reader, rule_);
            if (items == nullptr) return false;
            out.clear();
            bool good = true;
            for (std::size_t i = 0; i < items->size(); ++i) {
                const auto step = reader.enter(i);
                V item{};
                if (!type_.read((*items)[i], reader, item)) {
                    good = false;
                } else if (rule_.distinct && contains(out, item)) {
                    reader.refuse("duplicate", "Must not be there twice.");
                    good = false;
                } else {
                    out.push_back(std::move(item));
                }
            }
            return good;
        }
        void write(codec::json::Writer& out, const std::vector<V>& values) const override {
            out.begin_array();
            for (const auto& value : values) type_.write(out, value);
            out.end_array();
        }
        void describe(codec::json::Writer& out, Schemas& schemas) const override {
            describe_list(out, rule_, [&] { type_.describe(out, schemas); });
        }

     private:
        static bool contains(const std::vector<V>& values, const V& value) {
            if constexpr (std::equality_comparable<V>) {
                for (const auto& each : values) {
                    if (each == value) return true;
                }
            }
            return false;
        }
        Type<V> type_;
        ListRule rule_;
    };
    return Type<std::vector<V>>(std::make_shared<Rules>(std::move(type), rule));
}

/// Null, with the error noted, when `in` is no object or has too many members.
[[nodiscard]] const codec::json::Members* check_map(const codec::json::Value& in, Reader& reader,
                                                    std::size_t entries_max);

/// An object whose names are data.
template <class V>
[[nodiscard]] Type<std::map<std::string, V>> map_of(Type<V> type, std::size_t entries_max = 64) {
    using Map = std::map<std::string, V>;
    class Rules final : public Type<Map>::Rules {
     public:
        Rules(Type<V> type, std::size_t most) : type_(std::move(type)), entries_max_(most) {}
        bool read(const codec::json::Value& in, Reader& reader, Map& out) const override {
            const auto* members = check_map(in, reader, entries_max_);
            if (members == nullptr) return false;
            out.clear();
            bool good = true;
            for (const auto& [name, value] : *members) {
                const auto step = reader.enter(name);
                good = type_.read(value, reader, out[name]) && good;
            }
            return good;
        }
        void write(codec::json::Writer& out, const Map& values) const override {
            out.begin_object();
            for (const auto& [name, value] : values) {
                out.name(name);
                type_.write(out, value);
            }
            out.end_object();
        }
        void describe(codec::json::Writer& out, Schemas& schemas) const override {
            out.begin_object().name("type").string("object").name("additionalProperties");
            type_.describe(out, schemas);
            out.end_object();
        }

     private:
        Type<V> type_;
        std::size_t entries_max_;
    };
    return Type<Map>(std::make_shared<Rules>(std::move(type), entries_max));
}

}  // namespace gh::api
