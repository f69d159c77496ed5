#include "codec/json.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "codec/json_outline.hpp"
#include "codec/utf8.hpp"

namespace gh::codec::json {
std::optional<bool> Value::boolean() const {
    const auto* value = std::get_if<bool>(&data_);
    return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Value::integer() const {
    const auto* value = std::get_if<std::int64_t>(&data_);
    return value ? std::optional(*value) : std::nullopt;
}

std::optional<double> Value::number() const {
    if (const auto* value = std::get_if<double>(&data_)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*value);
    return std::nullopt;
}

const Value* Value::find(std::string_view name) const {
    const auto* members = object();
    if (members == nullptr) return nullptr;
    for (const auto& [each, value] : *members) {
        if (each == name) return &value;
    }
    return nullptr;
}

const std::string* Value::find_string(std::string_view name) const {
    const auto* value = find(name);
    return value ? value->string() : nullptr;
}

Result<Value> parse(std::string_view text, Limits limits) {
    GH_TRY(const auto outline, Outline::borrow(text, limits));
    return outline.root().value();
}

void append_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const auto size = utf8_character_bytes(text);
        const char c = text[0];
        if (size == 0) {
            out += "\\ufffd";
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<std::uint8_t>(c) < ' ') {
            out += "\\u00";
            out += digits[static_cast<std::uint8_t>(c) >> 4];
            out += digits[static_cast<std::uint8_t>(c) & 15];
        } else {
            out.append(text.substr(0, size));
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    out += '"';
}

}  // namespace gh::codec::json
