#include "storage/postgres/text.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "codec/hex.hpp"

namespace gh::storage::postgres {
namespace {

// pg_type.dat; fixed for good.
enum Oid : unsigned {
    boolean = 16,
    bytea = 17,
    int8 = 20,
    int2 = 21,
    int4 = 23,
    oid = 26,
    float4 = 700,
    float8 = 701,
    numeric = 1700,
    void_type = 2278,
};

constexpr std::string_view hex_mark = "\\x";

std::string_view put(std::array<char, 32>& into, std::int64_t number) {
    auto* end = std::to_chars(into.data(), into.data() + into.size() - 1, number).ptr;
    *end = '\0';
    return {into.data(), end};
}

/// Shortest digits that read as the same number. 32 bytes hold any: 17 digits, sign, point, exponent.
std::string_view put(std::array<char, 32>& into, double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    auto* end = std::to_chars(into.data(), into.data() + into.size() - 1, number).ptr;
    *end = '\0';
    return {into.data(), end};
}

template <class T>
std::optional<T> whole(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

std::optional<Value> number(std::string_view text) {
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (const auto value = whole<double>(text)) return *value;
    return {};
}

std::optional<Value> octets(std::string_view text) {
    if (!text.starts_with(hex_mark)) return {};
    auto bytes = codec::decode_hex(text.substr(hex_mark.size()));
    if (!bytes) return {};
    return Blob{*std::move(bytes)};
}

std::optional<Value> read(unsigned type, std::string_view text) {
    switch (type) {
        case boolean:
            if (text != "t" && text != "f") return {};
            return Value(text == "t");
        case int2:
        case int4:
        case int8:
        case oid:
            if (const auto value = whole<std::int64_t>(text)) return *value;
            return {};
        case numeric:
            if (const auto value = whole<std::int64_t>(text)) return *value;
            return number(text);
        case float4:
        case float8: return number(text);
        case bytea: return octets(text);
        case void_type: return Value(nullptr);
        default: return Value(std::string(text));
    }
}

}  // namespace

void ParameterText::set(const Parameters& parameters) {
    values_.clear();
    lengths_.clear();
    formats_.clear();
    numbers_.resize(parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto& value = parameters[i];
        const char* text = nullptr;
        std::size_t length = 0;
        int format = 0;
        if (const auto* string = std::get_if<std::string>(&value)) {
            text = string->c_str();
        } else if (const auto* blob = std::get_if<Blob>(&value)) {
            text = blob->octets.data();
            length = blob->octets.size();
            format = 1;
        } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
            text = put(numbers_[i], *integer).data();
        } else if (const auto* real = std::get_if<double>(&value)) {
            text = put(numbers_[i], *real).data();
        } else if (const auto* on = std::get_if<bool>(&value)) {
            text = *on ? "t" : "f";
        }
        values_.push_back(text);
        lengths_.push_back(static_cast<int>(length));  // read for octets only
        formats_.push_back(format);
    }
}

Result<Value> read_column(unsigned type, std::string_view text) {
    auto value = read(type, text);
    if (!value)
        return fail(ErrorKind::corrupt, "storage.corrupt", "a column is not what its type says");
    return *std::move(value);
}

}  // namespace gh::storage::postgres
