#include "pki/acme/nonces.hpp"

#include <array>

#include "codec/base64.hpp"
#include "crypto/secret.hpp"

namespace gh::pki::acme {
namespace {

constexpr std::size_t number_bytes = 8;
constexpr std::size_t code_bytes = 16;  // of the HMAC: nobody guesses 128 bits

std::uint64_t number_in(std::string_view octets) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < number_bytes; ++i)
        number = number << 8 | static_cast<std::uint8_t>(octets[i]);
    return number;
}

}  // namespace

Nonces::Nonces()
    : key_(crypto::HmacHash::sha256, crypto::Secret::random(32)), used_(window, true) {}

std::string Nonces::text_of(std::uint64_t number) const {
    std::string octets(number_bytes, '\0');
    for (std::size_t i = number_bytes; i > 0; --i, number >>= 8)
        octets[i - 1] = static_cast<char>(number & 0xff);
    const auto code = key_.code_of(octets);
    octets += crypto::text_of(code.bytes().first(code_bytes));
    return codec::encode_base64url(octets);
}

std::string Nonces::next() {
    std::uint64_t number = 0;
    {
        const std::scoped_lock lock(mutex_);
        number = next_++;
        used_[number % window] = false;
    }
    return text_of(number);
}

bool Nonces::use(std::string_view nonce) {
    const auto octets = codec::decode_base64url(nonce);
    if (!octets || octets->size() != number_bytes + code_bytes) return false;
    const auto number = number_in(*octets);
    if (!crypto::constant_time_equal(text_of(number), nonce)) return false;
    const std::scoped_lock lock(mutex_);
    if (next_ - number > window) return false;
    if (used_[number % window]) return false;
    used_[number % window] = true;
    return true;
}

}  // namespace gh::pki::acme
