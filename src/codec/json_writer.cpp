#include "codec/json_writer.hpp"

#include <charconv>

namespace gh::codec::json {

void Writer::separate() {
    if (!named_ && !first_) out_ += ',';
    named_ = false;
    first_ = false;
}

Writer& Writer::open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
    return *this;
}

Writer& Writer::close(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
}

Writer& Writer::name(std::string_view text) {
    separate();
    append_quoted(out_, text);
    out_ += ':';
    named_ = true;
    return *this;
}

Writer& Writer::string(std::string_view text) {
    separate();
    append_quoted(out_, text);
    return *this;
}

Writer& Writer::integer(std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return raw({digits, static_cast<std::size_t>(end - digits)});
}

Writer& Writer::value(const Value& value) {
    if (value.is_null()) return null();
    if (const auto truth = value.boolean()) return boolean(*truth);
    if (const auto whole = value.integer()) return integer(*whole);
    if (const auto number = value.number()) {
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof digits, *number).ptr;
        return raw({digits, static_cast<std::size_t>(end - digits)});
    }
    if (const auto* text = value.string()) return string(*text);
    if (const auto* array = value.array()) {
        begin_array();
        for (const auto& each : *array) this->value(each);
        return end_array();
    }
    begin_object();
    for (const auto& [each, inner] : *value.object()) name(each).value(inner);
    return end_object();
}

Writer& Writer::raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
}

}  // namespace gh::codec::json
