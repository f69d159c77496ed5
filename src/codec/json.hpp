#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace gh::codec::json {

class Value;
using Array = std::vector<Value>;
/// In order of appearance; names are unique.
using Members = std::vector<std::pair<std::string, Value>>;

/// A JSON value (RFC 8259) as it was read. Asking for another type than it has answers nothing.
class Value {
 public:
    using Storage =
        std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Members>;

    Value() = default;
    explicit Value(Storage data) : data_(std::move(data)) {}
    /// Made in its place: what is read is moved no more often than it must be.
    template <class T>
    Value(std::in_place_t, T&& data) : data_(std::forward<T>(data)) {}

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
    [[nodiscard]] std::optional<bool> boolean() const;
    /// Whole numbers that fit, written without fraction or exponent.
    [[nodiscard]] std::optional<std::int64_t> integer() const;
    /// Any number.
    [[nodiscard]] std::optional<double> number() const;
    [[nodiscard]] const std::string* string() const { return std::get_if<std::string>(&data_); }
    [[nodiscard]] const Array* array() const { return std::get_if<Array>(&data_); }
    [[nodiscard]] const Members* object() const { return std::get_if<Members>(&data_); }

    /// The member of this name; null when there is none or this is no object.
    [[nodiscard]] const Value* find(std::string_view name) const;
    /// The member of this name as a string, or nothing.
    [[nodiscard]] const std::string* find_string(std::string_view name) const;

 private:
    Storage data_ = nullptr;
};

struct Limits {
    std::size_t bytes_max = 1 << 20;
    std::size_t depth_max = 32;  ///< of arrays and objects inside one another
};

/// Strict: one value and white space around it, valid UTF-8, no comments, no trailing commas, and
/// no name twice in one object (RFC 8259 §4: parsers differ on which one counts, and attackers use
/// that).
///
/// @return `invalid_argument` with "json.too_large", "json.too_deep", "json.duplicate_name" or
/// "json.malformed"; the
///         detail says where, never what stood there
[[nodiscard]] Result<Value> parse(std::string_view text, Limits limits = {});

/// Appends `text` in quotes with what JSON demands escaped. Bytes that are no UTF-8 become U+FFFD.
void append_quoted(std::string& out, std::string_view text);

}  // namespace gh::codec::json
