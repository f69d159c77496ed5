#pragma once

#include <fmt/format.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "config/reader.hpp"
#include "config/secret.hpp"
#include "config/type.hpp"

// The types that keys are made of. Each is a value: types_of_a_room = list_of(mapped(text(), parse, print)).

namespace gh::config {

inline constexpr std::size_t list_items_max = 10'000;

struct TextRule {
    std::size_t bytes_min = 1;
    std::size_t bytes_max = 4096;
};

/// Text; a number or boolean without quotes is refused, for it is seldom meant.
[[nodiscard]] Type<std::string> text(TextRule rule = {});
/// Letters, digits, `_`, `-` and `.`, at most 64: what listeners, upstreams and routes are called.
[[nodiscard]] Type<std::string> name();
[[nodiscard]] Type<bool> boolean();
[[nodiscard]] Type<std::chrono::milliseconds> duration(std::chrono::milliseconds least,
                                                       std::chrono::milliseconds most);
/// Whole seconds.
[[nodiscard]] Type<std::chrono::seconds> whole_seconds(std::chrono::seconds least,
                                                       std::chrono::seconds most);
[[nodiscard]] Type<std::int64_t> integer_64(std::int64_t least, std::int64_t most);
[[nodiscard]] Type<std::uint64_t> size_64(std::uint64_t least, std::uint64_t most);
/// A part of a whole, 0 to 1: 0.01.
[[nodiscard]] Type<double> share();
/// A path, made absolute from the folder of the file. Whether something is there is seen when it is opened.
[[nodiscard]] Type<std::filesystem::path> file_path();
/// A value that came through a reference, or in the development profile a literal; shown as asterisks.
[[nodiscard]] Type<Secret> secret();
/// Words that somebody may well write and that are not for here, with what to do instead.
using RefusedWords = std::map<std::string, std::string, std::less<>>;
/// One of `words`, by index.
[[nodiscard]] Type<std::size_t> word_of(std::vector<std::string> words, RefusedWords refused = {});

/// Another type for the same text: `parse` may refuse (its detail continues "VALUE ..."), `print` is its way back.
template <class V, class W>
[[nodiscard]] Type<W> mapped(Type<V> from, std::function<Result<W>(const V&)> parse,
                             std::function<V(const W&)> print) {
    class Rules final : public Type<W>::Rules {
     public:
        Rules(Type<V> from, std::function<Result<W>(const V&)> parse,
              std::function<V(const W&)> print)
            : from_(std::move(from)), parse_(std::move(parse)), print_(std::move(print)) {}
        bool read(const Node& node, Reader& reader, W& out) const override {
            V value{};
            if (!from_.read(node, reader, value)) return false;
            auto parsed = parse_(value);
            if (!parsed) {
                const auto written =
                    node.kind() == Node::Kind::scalar ? quote(node.text()) + " " : std::string{};
                reader.refuse(node, written + parsed.error().detail);
                return false;
            }
            out = *std::move(parsed);
            return true;
        }
        Node show(const W& value) const override { return from_.show(print_(value)); }
        Shape shape() const override { return from_.shape(); }

     private:
        Type<V> from_;
        std::function<Result<W>(const V&)> parse_;
        std::function<V(const W&)> print_;
    };
    return Type<W>(std::make_shared<Rules>(std::move(from), std::move(parse), std::move(print)));
}

/// Text that `parse` understands and `print` writes.
template <class W, class Parse, class Print>
[[nodiscard]] Type<W> parsed_text(Parse parse, Print print) {
    return mapped<std::string, W>(
        text(), [parse](const std::string& written) -> Result<W> { return parse(written); },
        [print](const W& value) -> std::string { return print(value); });
}

/// A whole number that fits `I`.
template <std::integral I>
[[nodiscard]] Type<I> integer(I least, I most) {
    return mapped<std::int64_t, I>(
        integer_64(static_cast<std::int64_t>(least), static_cast<std::int64_t>(most)),
        [](const std::int64_t& wide) -> Result<I> { return static_cast<I>(wide); },
        [](const I& value) { return static_cast<std::int64_t>(value); });
}

/// A size that fits `I`.
template <std::unsigned_integral I>
[[nodiscard]] Type<I> size(I least, I most) {
    return mapped<std::uint64_t, I>(
        size_64(least, most),
        [](const std::uint64_t& wide) -> Result<I> { return static_cast<I>(wide); },
        [](const I& value) { return std::uint64_t{value}; });
}

/// One of a few words.
template <class E>
[[nodiscard]] Type<E> choice(std::vector<std::pair<std::string, E>> pairs,
                             RefusedWords refused = {}) {
    std::vector<std::string> words;
    std::vector<E> values;
    for (auto& [word, value] : pairs) {
        words.push_back(std::move(word));
        values.push_back(value);
    }
    return mapped<std::size_t, E>(
        word_of(std::move(words), std::move(refused)),
        [values](const std::size_t& index) -> Result<E> { return values[index]; },
        [values](const E& value) {
            std::size_t index = 0;
            while (index + 1 < values.size() && values[index] != value) ++index;
            return index;
        });
}

/// A value that may be left out; never written as null.
template <class V>
[[nodiscard]] Type<std::optional<V>> maybe(Type<V> type) {
    class Rules final : public Type<std::optional<V>>::Rules {
     public:
        explicit Rules(Type<V> type) : type_(std::move(type)) {}
        bool read(const Node& node, Reader& reader, std::optional<V>& out) const override {
            return type_.read(node, reader, out.emplace());
        }
        Node show(const std::optional<V>& value) const override {
            return value ? type_.show(*value) : Node{};
        }
        Shape shape() const override { return type_.shape(); }

     private:
        Type<V> type_;
    };
    return Type<std::optional<V>>(std::make_shared<Rules>(std::move(type)));
}

/// What `type` reads, or `word` for `meaning`: "auto".
template <class V>
[[nodiscard]] Type<V> or_word(std::string word, V meaning, Type<V> type) {
    class Rules final : public Type<V>::Rules {
     public:
        Rules(std::string word, V meaning, Type<V> type)
            : word_(std::move(word)), meaning_(std::move(meaning)), type_(std::move(type)) {}
        bool read(const Node& node, Reader& reader, V& out) const override {
            if (node.kind() != Node::Kind::scalar || node.text() != word_)
                return type_.read(node, reader, out);
            out = meaning_;
            return true;
        }
        Node show(const V& value) const override {
            return value == meaning_ ? Node::scalar(word_) : type_.show(value);
        }
        Shape shape() const override {
            return Shape{
                .kind = Shape::Kind::either,
                .inner = {Shape{.kind = Shape::Kind::choice, .choices = {word_}}, type_.shape()}};
        }

     private:
        std::string word_;
        V meaning_;
        Type<V> type_;
    };
    return Type<V>(std::make_shared<Rules>(std::move(word), std::move(meaning), std::move(type)));
}

struct ListRule {
    std::size_t items_min = 0;
    std::size_t items_max = list_items_max;
};

/// False, with the problem noted, when `node` is no list or its length is out of bounds.
[[nodiscard]] bool check_list(const Node& node, Reader& reader, const ListRule& rule);
/// The same for maps with free keys.
[[nodiscard]] bool check_map(const Node& node, Reader& reader, std::size_t entries_max);

template <class V>
[[nodiscard]] Type<std::vector<V>> list_of(Type<V> type, ListRule rule = {}) {
    class Rules final : public Type<std::vector<V>>::Rules {
     public:
        Rules(Type<V> type, ListRule rule) : type_(std::move(type)), rule_(rule) {}
        bool read(const Node& node, Reader& reader, std::vector<V>& out) const override {
            out.clear();
            if (!check_list(node, reader, rule_)) return false;
            bool good = true;
            for (std::size_t i = 0; i < node.size(); ++i) {
                const auto step = reader.enter(i);
                V value{};
                good = type_.read(node.child(i), reader, value) && good;
                out.push_back(std::move(value));
            }
            return good;
        }
        Node show(const std::vector<V>& values) const override {
            Node out = Node::sequence();
            for (const auto& value : values) out.push(type_.show(value));
            return out;
        }
        Shape shape() const override {
            Shape out{.kind = Shape::Kind::list, .inner = {type_.shape()}};
            if (rule_.items_min > 0) out.least = static_cast<std::int64_t>(rule_.items_min);
            out.most = static_cast<std::int64_t>(rule_.items_max);
            return out;
        }

     private:
        Type<V> type_;
        ListRule rule_;
    };
    return Type<std::vector<V>>(std::make_shared<Rules>(std::move(type), rule));
}

/// A map with free keys, in the order written.
template <class V>
[[nodiscard]] Type<std::vector<std::pair<std::string, V>>> map_of(Type<V> type,
                                                                  std::size_t entries_max = 100) {
    using Entries = std::vector<std::pair<std::string, V>>;
    class Rules final : public Type<Entries>::Rules {
     public:
        Rules(Type<V> type, std::size_t entries_max)
            : type_(std::move(type)), entries_max_(entries_max) {}
        bool read(const Node& node, Reader& reader, Entries& out) const override {
            out.clear();
            if (!check_map(node, reader, entries_max_)) return false;
            bool good = true;
            for (std::size_t i = 0; i < node.size(); ++i) {
                const auto step = reader.enter(node.key(i).name);
                V value{};
                good = type_.read(node.child(i), reader, value) && good;
                out.emplace_back(node.key(i).name, std::move(value));
            }
            return good;
        }
        Node show(const Entries& entries) const override {
            Node out = Node::map();
            for (const auto& [key, value] : entries) out.put(key, type_.show(value));
            return out;
        }
        Shape shape() const override {
            return Shape{.kind = Shape::Kind::map, .inner = {type_.shape()}};
        }

     private:
        Type<V> type_;
        std::size_t entries_max_;
    };
    return Type<Entries>(std::make_shared<Rules>(std::move(type), entries_max));
}

/// Two ways to write one value: a single word or something longer.
template <class V>
struct Alternatives {
    std::optional<Type<V>> scalar, sequence, map;
    std::function<Node::Kind(const V&)> shown_as;
};

template <class V>
[[nodiscard]] Type<V> either(Alternatives<V> ways) {
    class Rules final : public Type<V>::Rules {
     public:
        explicit Rules(Alternatives<V> ways) : ways_(std::move(ways)) {}
        bool read(const Node& node, Reader& reader, V& out) const override {
            if (const auto* way = pick(node.kind())) return way->read(node, reader, out);
            std::string wanted;
            for (const auto kind : {Node::Kind::scalar, Node::Kind::sequence, Node::Kind::map}) {
                if (pick(kind) == nullptr) continue;
                wanted += wanted.empty() ? "" : " or ";
                wanted += name_of(kind);
            }
            reader.refuse(node, fmt::format("is {}, wanted: {}", name_of(node.kind()), wanted));
            return false;
        }
        Node show(const V& value) const override {
            return pick(ways_.shown_as(value))->show(value);
        }
        Shape shape() const override {
            Shape out{.kind = Shape::Kind::either};
            for (const auto* way : {&ways_.scalar, &ways_.sequence, &ways_.map}) {
                if (*way) out.inner.push_back((*way)->shape());
            }
            return out;
        }

     private:
        const Type<V>* pick(Node::Kind kind) const {
            const auto& way = kind == Node::Kind::scalar     ? ways_.scalar
                              : kind == Node::Kind::sequence ? ways_.sequence
                                                             : ways_.map;
            return kind != Node::Kind::null && way ? &*way : nullptr;
        }
        Alternatives<V> ways_;
    };
    return Type<V>(std::make_shared<Rules>(std::move(ways)));
}

}  // namespace gh::config
