#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Protocol Buffers, as far as writing goes: a tag, then a varint, eight octets, or a length and so many.

namespace gh::codec::protobuf {

enum Wire : std::uint8_t { varint = 0, fixed64 = 1, delimited = 2 };

inline void put_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    out += static_cast<char>(value);
}

inline void put_tag(std::string& out, unsigned field, Wire wire) {
    put_varint(out, field << 3 | wire);
}

inline void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
    put_tag(out, field, delimited);
    put_varint(out, bytes.size());
    out += bytes;
}

inline void put_fixed64(std::string& out, unsigned field, std::uint64_t value) {
    put_tag(out, field, fixed64);
    for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i));
}

inline void put_number(std::string& out, unsigned field, std::uint64_t value) {
    put_tag(out, field, varint);
    put_varint(out, value);
}

/// What `fill` writes, behind its length.
template <class Fill>
void put_message(std::string& out, unsigned field, const Fill& fill) {
    put_tag(out, field, delimited);
    const auto at = out.size();
    fill(out);
    std::string length;
    put_varint(length, out.size() - at);
    out.insert(at, length);
}

}  // namespace gh::codec::protobuf
