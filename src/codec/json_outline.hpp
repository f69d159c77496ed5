#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "codec/json.hpp"

namespace gh::codec::json {

/// A value of an Outline, and as long-lived. Asking for another type than it has answers nothing.
class Node {
 public:
    /// What an array holds, for `for`.
    class Elements;

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
    [[nodiscard]] bool is_object() const { return std::holds_alternative<ObjectOf>(data_); }
    [[nodiscard]] std::optional<bool> boolean() const { return as<bool>(); }
    /// Whole numbers that fit, written without fraction or exponent.
    [[nodiscard]] std::optional<std::int64_t> integer() const { return as<std::int64_t>(); }
    /// Any number.
    [[nodiscard]] std::optional<double> number() const;
    [[nodiscard]] std::optional<std::string_view> string() const { return as<std::string_view>(); }
    [[nodiscard]] std::optional<Elements> array() const;

    /// How many members an object has; 0 when this is none.
    [[nodiscard]] std::size_t members() const {
        const auto* object = std::get_if<ObjectOf>(&data_);
        return object ? object->size : 0;
    }
    /// The member of this name; null when there is none or this is no object.
    [[nodiscard]] const Node* find(std::string_view name) const;
    /// The member of this name as a string, or nothing.
    [[nodiscard]] std::optional<std::string_view> find_string(std::string_view name) const;

    /// A copy that owns what it says.
    [[nodiscard]] Value value() const;

 private:
    friend class Outline;
    struct ArrayOf {
        std::size_t size;
    };
    struct ObjectOf {
        std::size_t size;
    };
    using Data = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string_view, ArrayOf,
                              ObjectOf>;

    explicit Node(Data data) : data_(data) {}
    template <class T>
    [[nodiscard]] std::optional<T> as() const {
        const auto* value = std::get_if<T>(&data_);
        return value ? std::optional(*value) : std::nullopt;
    }
    /// Where the value behind this one and all that it holds is.
    [[nodiscard]] const Node* behind() const { return this + nodes_; }

    Data data_;
    /// This one, and behind it what it holds: of an object names and values in turns.
    std::size_t nodes_ = 1;
};

class Node::Elements {
 public:
    struct Iterator {
        const Node* at;
        const Node& operator*() const { return *at; }
        Iterator& operator++() {
            at = at->behind();
            return *this;
        }
        bool operator==(const Iterator&) const = default;
    };
    explicit Elements(const Node& array)
        : size_(std::get<ArrayOf>(array.data_).size), begin_{&array + 1}, end_{array.behind()} {}

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] Iterator begin() const { return begin_; }
    [[nodiscard]] Iterator end() const { return end_; }

 private:
    std::size_t size_;
    Iterator begin_, end_;
};

/// A JSON text as one row of values whose strings lie where they were read: for what is looked at
/// once and thrown away, half the price of a Value.
class Outline {
 public:
    Outline(Outline&&) = default;  // no copies: values point into the texts
    Outline& operator=(Outline&&) = default;

    /// Strict as parse(), which reads through this.
    /// @return the errors of parse()
    [[nodiscard]] static Result<Outline> read(std::string text, Limits limits = {});
    /// @param text  outlives what is returned
    [[nodiscard]] static Result<Outline> borrow(std::string_view text, Limits limits = {});

    [[nodiscard]] const Node& root() const { return nodes_.front(); }

 private:
    class Builder;
    Outline() = default;

    std::vector<Node> nodes_;  ///< what holds comes before what is held
    std::forward_list<std::string>
        own_;  ///< the text, strings that had escapes: none moves when this is moved
};

}  // namespace gh::codec::json
