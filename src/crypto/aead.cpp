#include "crypto/aead.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "base/id.hpp"
#include "crypto/openssl.hpp"
#include "crypto/secret_space.hpp"

namespace gh::crypto {
namespace {

EVP_CIPHER* method_of(Aead cipher) {
    switch (cipher) {
        case Aead::aes_128_gcm: return methods().aes_128_gcm;
        case Aead::aes_256_gcm: return methods().aes_256_gcm;
        case Aead::chacha20_poly1305: return methods().chacha20_poly1305;
    }
    std::unreachable();
}

void check(Aead cipher, const Secret& key, std::size_t text, std::size_t associated) {
    if (key.size() != key_bytes(cipher)) throw std::logic_error("a key of another cipher");
    if (text > aead_text_bytes_max || associated > aead_text_bytes_max)
        throw std::logic_error("too much to seal at once");
}

std::unexpected<Error> refused() {
    return fail(ErrorKind::corrupt, "aead.open", "not sealed so with this key");
}

int size_of(Bytes bytes) { return static_cast<int>(bytes.size()); }

}  // namespace

std::size_t key_bytes(Aead cipher) { return cipher == Aead::aes_128_gcm ? 16 : 32; }

std::string seal_with(Aead cipher, const Secret& key, Bytes nonce, Bytes text, Bytes associated) {
    check(cipher, key, text.size(), associated.size());
    if (nonce.size() != aead_nonce_bytes) throw std::logic_error("a nonce of another cipher");
    std::string out(text.size() + aead_tag_bytes, '\0');
    auto* const begin = reinterpret_cast<std::uint8_t*>(out.data());
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    int done = 0;
    must(context &&
             EVP_EncryptInit_ex2(context.get(), method_of(cipher), key.bytes().data(), nonce.data(),
                                 nullptr) == 1 &&
             EVP_EncryptUpdate(context.get(), nullptr, &done, associated.data(),
                               size_of(associated)) == 1 &&
             EVP_EncryptUpdate(context.get(), begin, &done, text.data(), size_of(text)) == 1 &&
             EVP_EncryptFinal_ex(context.get(), begin + text.size(), &done) == 1 &&
             EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG,
                                 static_cast<int>(aead_tag_bytes), begin + text.size()) == 1,
         "sealing");
    return out;
}

std::string seal(Aead cipher, const Secret& key, Bytes text, Bytes associated) {
    std::array<std::uint8_t, aead_nonce_bytes> nonce{};
    random_bytes(nonce);
    std::string sealed(text_of(nonce));
    sealed += seal_with(cipher, key, nonce, text, associated);
    return sealed;
}

Result<Secret> open(Aead cipher, const Secret& key, Bytes sealed, Bytes associated) {
    constexpr auto overhead = aead_nonce_bytes + aead_tag_bytes;
    if (sealed.size() < overhead || sealed.size() > aead_text_bytes_max + overhead ||
        associated.size() > aead_text_bytes_max)
        return refused();
    const auto text = sealed.subspan(aead_nonce_bytes, sealed.size() - overhead);
    check(cipher, key, text.size(), associated.size());
    std::array<std::uint8_t, aead_tag_bytes> tag{};
    std::ranges::copy(sealed.last(aead_tag_bytes), tag.begin());
    SecretSpace opened(text.size());
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    int done = 0;
    std::uint8_t nothing = 0;
    must(context &&
             EVP_DecryptInit_ex2(context.get(), method_of(cipher), key.bytes().data(),
                                 sealed.data(), nullptr) == 1 &&
             EVP_DecryptUpdate(context.get(), nullptr, &done, associated.data(),
                               size_of(associated)) == 1 &&
             EVP_DecryptUpdate(context.get(), opened.data(), &done, text.data(), size_of(text)) ==
                 1 &&
             EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                                 tag.data()) == 1,
         "opening");
    if (EVP_DecryptFinal_ex(context.get(), &nothing, &done) != 1) {
        clear_errors();
        return refused();
    }
    return opened.secret();
}

}  // namespace gh::crypto
