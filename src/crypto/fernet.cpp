#include "crypto/fernet.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "base/id.hpp"
#include "codec/base64.hpp"
#include "crypto/openssl.hpp"
#include "crypto/secret_space.hpp"

namespace gh::crypto {
namespace {

constexpr char version = '\x80';
constexpr std::size_t half_key_bytes = 16;
constexpr std::size_t block_bytes = 16;
constexpr std::size_t head_bytes = 1 + 8 + block_bytes;  // version, seconds (big-endian), vector
constexpr std::size_t signature_bytes = 32;

std::unexpected<Error> not_made_so() {
    return fail(ErrorKind::corrupt, "fernet.open",
                "it is no Fernet token, was changed, or made with another key");
}

/// Padding is part of a token, and not always of a key.
std::string_view without_padding(std::string_view text) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    return text;
}

std::string padded(std::string text) {
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

}  // namespace

Fernet::Fernet(Bytes key)
    : signing_(HmacHash::sha256, Secret(key.first(half_key_bytes))),
      encryption_(key.last(half_key_bytes)) {}

Result<Fernet> Fernet::of_key(std::string_view key) {
    auto decoded = codec::decode_base64url(without_padding(key));
    if (!decoded || decoded->size() != 2 * half_key_bytes) {
        return fail(ErrorKind::invalid_argument, "fernet.key",
                    "a key of Fernet is 32 bytes in base64url");
    }
    Fernet made(bytes_of(*decoded));
    wipe(decoded->data(), decoded->size());
    return made;
}

std::string Fernet::seal(Bytes text, SystemTime at) const {
    Vector vector{};
    random_bytes(vector);
    return seal_with(vector, text, at);
}

std::string Fernet::seal_with(const Vector& vector, Bytes text, SystemTime at) const {
    if (text.size() > text_bytes_max) throw std::logic_error("too much for one token");
    std::string out(1, version);
    const auto since = std::chrono::duration_cast<seconds>(at.time_since_epoch()).count();
    for (int shift = 56; shift >= 0; shift -= 8)
        out += static_cast<char>(static_cast<std::uint64_t>(since) >> shift);
    out += text_of(vector);
    const auto length = block_bytes * (text.size() / block_bytes + 1);  // PKCS #7: never none
    out.resize(head_bytes + length);
    auto* const begin = reinterpret_cast<std::uint8_t*>(out.data()) + head_bytes;
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    int done = 0, last = 0;
    must(context &&
             EVP_EncryptInit_ex2(context.get(), methods().aes_128_cbc, encryption_.bytes().data(),
                                 vector.data(), nullptr) == 1 &&
             EVP_EncryptUpdate(context.get(), begin, &done, text.data(),
                               static_cast<int>(text.size())) == 1 &&
             EVP_EncryptFinal_ex(context.get(), begin + done, &last) == 1,
         "encrypting");
    out += text_of(signing_.code_of(out).bytes());
    return padded(codec::encode_base64url(out));
}

Result<Secret> Fernet::open(std::string_view token) const {
    constexpr auto token_bytes_max =
        4 * ((head_bytes + text_bytes_max + block_bytes + signature_bytes) / 3 + 1);
    if (token.size() % 4 != 0 || token.size() > token_bytes_max) return not_made_so();
    const auto decoded = codec::decode_base64url(without_padding(token));
    if (!decoded || decoded->size() < head_bytes + block_bytes + signature_bytes ||
        decoded->front() != version)
        return not_made_so();
    const auto bytes = bytes_of(*decoded);
    const auto signed_part = bytes.first(bytes.size() - signature_bytes);
    if (!signing_.verify(signed_part, bytes.last(signature_bytes))) return not_made_so();
    const auto sealed = signed_part.subspan(head_bytes);
    if (sealed.size() % block_bytes != 0) return not_made_so();
    SecretSpace opened(sealed.size() + block_bytes);
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    int done = 0, last = 0;
    must(context &&
             EVP_DecryptInit_ex2(context.get(), methods().aes_128_cbc, encryption_.bytes().data(),
                                 bytes.data() + head_bytes - block_bytes, nullptr) == 1 &&
             EVP_DecryptUpdate(context.get(), opened.data(), &done, sealed.data(),
                               static_cast<int>(sealed.size())) == 1,
         "decrypting");
    if (EVP_DecryptFinal_ex(context.get(), opened.data() + done, &last) != 1) {
        clear_errors();
        return not_made_so();
    }
    return Secret(opened.bytes().first(static_cast<std::size_t>(done + last)));
}

}  // namespace gh::crypto
