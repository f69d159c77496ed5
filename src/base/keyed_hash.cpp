#include "base/keyed_hash.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "base/id.hpp"

namespace gh {
namespace {

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void absorb(std::uint64_t word) {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    }
    [[nodiscard]] std::uint64_t squeeze() {
        for (int i = 0; i < 4; ++i) round();
        return v0 ^ v1 ^ v2 ^ v3;
    }
};

std::uint64_t little_endian(const std::uint8_t* bytes, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, count);
    if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
    return word;
}

}  // namespace

KeyedHash KeyedHash::random() {
    std::array<std::uint8_t, 16> key;
    random_bytes(key);
    return {little_endian(key.data(), 8), little_endian(key.data() + 8, 8)};
}

Hash128 KeyedHash::operator()(std::span<const std::uint8_t> bytes) const {
    SipState s{k0_ ^ 0x736f6d6570736575, k1_ ^ 0x646f72616e646f6d ^ 0xee, k0_ ^ 0x6c7967656e657261,
               k1_ ^ 0x7465646279746573};
    std::size_t at = 0;
    for (; bytes.size() - at >= 8; at += 8) s.absorb(little_endian(bytes.data() + at, 8));
    const auto rest = bytes.size() - at;
    const auto tail = rest == 0 ? 0 : little_endian(bytes.data() + at, rest);
    s.absorb(tail | static_cast<std::uint64_t>(bytes.size()) << 56);
    s.v2 ^= 0xee;
    Hash128 hash;
    hash.low = s.squeeze();
    s.v1 ^= 0xdd;
    hash.high = s.squeeze();
    return hash;
}

Hash128 KeyedHash::operator()(std::string_view text) const {
    return (*this)({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace gh
