#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/json.hpp"

namespace gh::codec::json {

/// Writes JSON (RFC 8259) at the end of a string, compact; commas and escapes are its business, and that every begin has
/// its end is the caller's.
///
///     Writer out(text);
///     out.begin_object().name("items").begin_array().integer(1).end_array().end_object();
class Writer {
 public:
    explicit Writer(std::string& out) : out_(out) {}

    Writer& begin_object() { return open('{'); }
    Writer& end_object() { return close('}'); }
    Writer& begin_array() { return open('['); }
    Writer& end_array() { return close(']'); }
    /// Of the member whose value comes next.
    Writer& name(std::string_view text);
    /// Bytes that are no UTF-8 become U+FFFD.
    Writer& string(std::string_view text);
    Writer& integer(std::int64_t value);
    Writer& boolean(bool value) { return raw(value ? "true" : "false"); }
    Writer& null() { return raw("null"); }
    /// What was read, again: the same names and values in the same order.
    Writer& value(const Value& value);
    /// A value that is JSON already.
    Writer& raw(std::string_view json);

 private:
    Writer& open(char bracket);
    Writer& close(char bracket);
    void separate();

    std::string& out_;
    bool first_ = true;   // in the innermost array or object
    bool named_ = false;  // a name waits for its value
};

}  // namespace gh::codec::json
