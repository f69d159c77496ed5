#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gh::crypto {

/// SipHash-2-4 (Aumasson and Bernstein, 2012): 64 bits that nobody without the key can steer.
[[nodiscard]] std::uint64_t siphash(const std::array<std::uint64_t, 2>& key, std::string_view text);

/// A hash for tables that strangers fill: keyed at random, so that they cannot aim at one bucket.
class KeyedHash {
 public:
    KeyedHash();
    [[nodiscard]] std::uint64_t operator()(std::string_view text) const {
        return siphash(key_, text);
    }

 private:
    std::array<std::uint64_t, 2> key_;
};

/// The one of this process: equal texts hash equally in every room and on every thread.
[[nodiscard]] const KeyedHash& process_hash();

}  // namespace gh::crypto
