#include "crypto/hkdf.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "crypto/hmac.hpp"
#include "crypto/secret_space.hpp"

namespace gh::crypto {

Secret hkdf_sha256(const Secret& material, Bytes salt, std::string_view info, std::size_t size) {
    constexpr std::size_t hash_bytes = 32;
    if (size == 0 || size > 255 * hash_bytes) throw std::logic_error("a key of that size");
    const HmacKey extract(HmacHash::sha256, Secret(salt));
    auto extracted = extract.code_of(material.bytes());
    const HmacKey expand(HmacHash::sha256, Secret(extracted.bytes()));
    wipe(&extracted, sizeof extracted);
    SecretSpace out(size);
    std::string message;
    for (std::size_t at = 0, counter = 1; at < size; ++counter) {
        message.append(info).push_back(static_cast<char>(counter));
        auto block = expand.code_of(message);
        const auto some = std::min(hash_bytes, size - at);
        std::ranges::copy(block.bytes().first(some), out.data() + at);
        at += some;
        wipe(message.data(), message.size());
        message.assign(text_of(block.bytes()));
        wipe(&block, sizeof block);
    }
    wipe(message.data(), message.size());
    return out.secret();
}

}  // namespace gh::crypto
