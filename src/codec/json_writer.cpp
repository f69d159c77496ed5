#include "codec/json_writer.hpp"

#include <charconv>

#include "codec/json.hpp"

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

Writer& Writer::raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
}

}  // namespace gh::codec::json
