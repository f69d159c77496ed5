#include "crypto/siphash.hpp"

#include <bit>
#include <cstring>

#include "base/id.hpp"

namespace gh::crypto {
namespace {

struct State {
    std::uint64_t a, b, c, d;

    void round() {
        a += b;
        c += d;
        b = std::rotl(b, 13) ^ a;
        d = std::rotl(d, 16) ^ c;
        a = std::rotl(a, 32);
        c += b;
        a += d;
        b = std::rotl(b, 17) ^ c;
        d = std::rotl(d, 21) ^ a;
        c = std::rotl(c, 32);
    }
    void absorb(std::uint64_t word) {
        d ^= word;
        round();
        round();
        a ^= word;
    }
};

std::uint64_t little_endian(const char* data, std::size_t size) {
    std::uint64_t word = 0;
    if (size != 0) std::memcpy(&word, data, size);
    if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
    return word;
}

}  // namespace

std::uint64_t siphash(const std::array<std::uint64_t, 2>& key, std::string_view text) {
    State s{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
            key[1] ^ 0x7465646279746573};
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) s.absorb(little_endian(text.data() + at, 8));
    s.absorb(little_endian(text.data() + at, text.size() - at) | std::uint64_t{text.size() & 255}
                                                                     << 56);
    s.c ^= 255;
    for (int i = 0; i < 4; ++i) s.round();
    return s.a ^ s.b ^ s.c ^ s.d;
}

KeyedHash::KeyedHash() {
    std::array<std::uint8_t, sizeof key_> raw;
    random_bytes(raw);
    std::memcpy(key_.data(), raw.data(), sizeof key_);
}

const KeyedHash& process_hash() {
    static const KeyedHash hash;
    return hash;
}

}  // namespace gh::crypto
