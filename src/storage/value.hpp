#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"

namespace gh::storage {

/// Octets: BLOB and bytea.
struct Blob {
    std::string octets;
    friend bool operator==(const Blob&, const Blob&) = default;
};

/// One value of a row or a parameter. Times travel as whole microseconds since 1970, UTC, in BIGINT columns named `..._at`,
/// the same on both engines and untouched by any session's time zone.
using Value = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Blob>;
using Parameters = std::vector<Value>;

[[nodiscard]] std::int64_t microseconds_of(SystemTime time);
/// The first or the last moment there is for what lies beyond: the number may come from a file that others wrote.
[[nodiscard]] SystemTime time_of(std::int64_t microseconds);

/// May it be stored? Text must be UTF-8 without NUL: PostgreSQL refuses both, SQLite would keep what readers then read apart.
[[nodiscard]] bool storable(const Value& value);

/// Makes a parameter of what rooms hold: numbers, text, times, blobs, optionals of these.
template <class T>
[[nodiscard]] Value to_value(T&& from) {
    using Plain = std::remove_cvref_t<T>;
    if constexpr (std::is_same_v<Plain, Value> || std::is_same_v<Plain, Blob> ||
                  std::is_same_v<Plain, std::nullptr_t> || std::is_same_v<Plain, bool> ||
                  std::is_same_v<Plain, double>) {
        return Value(std::forward<T>(from));
    } else if constexpr (std::is_same_v<Plain, SystemTime>) {
        return Value(microseconds_of(from));
    } else if constexpr (std::is_integral_v<Plain>) {
        return Value(static_cast<std::int64_t>(from));
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
        return Value(std::string(std::string_view(from)));
    } else {
        return from ? to_value(*std::forward<T>(from)) : Value(nullptr);
    }
}

/// One row of an answer; valid as long as its Rows. A column of another type than was asked for is a bug of the statement:
/// std::logic_error.
class Row {
 public:
    explicit Row(const Value* values) : values_(values) {}
    [[nodiscard]] const Value& value(std::size_t column) const { return values_[column]; }
    [[nodiscard]] bool is_null(std::size_t column) const;
    [[nodiscard]] const std::string& text(std::size_t column) const;
    [[nodiscard]] std::int64_t integer(std::size_t column) const;
    [[nodiscard]] double number(std::size_t column) const;
    /// Of BOOLEAN, or of an INTEGER that is 0 or 1 (SQLite has no other).
    [[nodiscard]] bool boolean(std::size_t column) const;
    [[nodiscard]] SystemTime time(std::size_t column) const { return time_of(integer(column)); }
    [[nodiscard]] const std::string& octets(std::size_t column) const;
    [[nodiscard]] std::optional<std::string> optional_text(std::size_t column) const;
    [[nodiscard]] std::optional<SystemTime> optional_time(std::size_t column) const;

 private:
    const Value* values_;
};

/// What a statement answered.
class Rows {
 public:
    Rows() = default;
    Rows(std::size_t columns, std::vector<Value> values, std::uint64_t affected)
        : columns_(columns), values_(std::move(values)), affected_(affected) {}

    [[nodiscard]] std::size_t size() const { return columns_ == 0 ? 0 : values_.size() / columns_; }
    [[nodiscard]] bool empty() const { return values_.empty(); }
    [[nodiscard]] Row operator[](std::size_t row) const {
        return Row(values_.data() + row * columns_);
    }
    /// Rows that an INSERT, UPDATE or DELETE touched.
    [[nodiscard]] std::uint64_t affected() const { return affected_; }

 private:
    std::size_t columns_ = 0;
    std::vector<Value> values_;
    std::uint64_t affected_ = 0;
};

}  // namespace gh::storage
