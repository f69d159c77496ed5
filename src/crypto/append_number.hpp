#pragma once

#include <cstdint>
#include <string>

namespace gh::crypto {

/// Appends the lowest `octets` of a number, big-endian.
inline void append_number(std::string& out, std::uint64_t number, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
        out += static_cast<char>(number >> shift);
}

}  // namespace gh::crypto
