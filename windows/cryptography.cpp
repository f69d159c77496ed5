#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/id.hpp"
#include "crypto/aead.hpp"
#include "crypto/aes_block.hpp"
#include "crypto/hmac.hpp"
#include "crypto/secret_space.hpp"
#include "windows/api.hpp"

// What the crypto room has from OpenSSL, by Windows' own library: the same functions, for AES and SHA-2.

namespace gh {
namespace {

/// For calls that can fail only when the system is broken.
void must(NTSTATUS status, const char* what) {
    if (!BCRYPT_SUCCESS(status)) throw std::runtime_error(what);
}

/// Opened once and never closed: the process ends with it.
BCRYPT_ALG_HANDLE opened(const wchar_t* algorithm, ULONG flags) {
    BCRYPT_ALG_HANDLE handle = nullptr;
    must(::BCryptOpenAlgorithmProvider(&handle, algorithm, nullptr, flags), "opening a method");
    return handle;
}

BCRYPT_ALG_HANDLE aes_chained(std::wstring_view mode) {
    auto* const handle = opened(BCRYPT_AES_ALGORITHM, 0);
    std::wstring name(mode);
    must(::BCryptSetProperty(handle, BCRYPT_CHAINING_MODE, reinterpret_cast<PUCHAR>(name.data()),
                             static_cast<ULONG>((name.size() + 1) * sizeof(wchar_t)), 0),
         "choosing how blocks are chained");
    return handle;
}

BCRYPT_ALG_HANDLE gcm() {
    static auto* const handle = aes_chained(BCRYPT_CHAIN_MODE_GCM);
    return handle;
}

BCRYPT_ALG_HANDLE ecb() {
    static auto* const handle = aes_chained(BCRYPT_CHAIN_MODE_ECB);
    return handle;
}

BCRYPT_ALG_HANDLE hmac(crypto::HmacHash hash) {
    static const std::array handles{
        opened(BCRYPT_SHA256_ALGORITHM, BCRYPT_ALG_HANDLE_HMAC_FLAG),
        opened(BCRYPT_SHA384_ALGORITHM, BCRYPT_ALG_HANDLE_HMAC_FLAG),
        opened(BCRYPT_SHA512_ALGORITHM, BCRYPT_ALG_HANDLE_HMAC_FLAG),
    };
    return handles[static_cast<std::size_t>(std::to_underlying(hash))];
}

/// Windows takes addresses that it may write to, and none that is null.
PUCHAR address_of(crypto::Bytes bytes) {
    static std::uint8_t nothing = 0;
    return bytes.empty() ? &nothing : const_cast<PUCHAR>(bytes.data());
}

ULONG size_of(crypto::Bytes bytes) { return static_cast<ULONG>(bytes.size()); }

class CipherKey {
 public:
    CipherKey(BCRYPT_ALG_HANDLE method, const crypto::Secret& key) {
        must(::BCryptGenerateSymmetricKey(method, &handle_, nullptr, 0, address_of(key.bytes()),
                                          size_of(key.bytes()), 0),
             "taking a key");
    }
    CipherKey(const CipherKey&) = delete;
    CipherKey& operator=(const CipherKey&) = delete;
    ~CipherKey() { ::BCryptDestroyKey(handle_); }
    [[nodiscard]] BCRYPT_KEY_HANDLE get() const { return handle_; }

 private:
    BCRYPT_KEY_HANDLE handle_ = nullptr;
};

BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO mode_of(crypto::Bytes nonce, crypto::Bytes associated,
                                              std::span<std::uint8_t> tag) {
    BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO mode{};
    mode.cbSize = sizeof mode;
    mode.dwInfoVersion = BCRYPT_AUTHENTICATED_CIPHER_MODE_INFO_VERSION;
    mode.pbNonce = address_of(nonce);
    mode.cbNonce = size_of(nonce);
    mode.pbAuthData = address_of(associated);
    mode.cbAuthData = size_of(associated);
    mode.pbTag = tag.data();
    mode.cbTag = static_cast<ULONG>(tag.size());
    return mode;
}

void check(crypto::Aead cipher, const crypto::Secret& key, std::size_t text,
           std::size_t associated) {
    if (cipher == crypto::Aead::chacha20_poly1305 || key.size() != crypto::key_bytes(cipher))
        throw std::logic_error("a key of another cipher");
    if (text > crypto::aead_text_bytes_max || associated > crypto::aead_text_bytes_max)
        throw std::logic_error("too much to seal at once");
}

}  // namespace

void random_bytes(std::span<std::uint8_t> bytes) {
    must(::BCryptGenRandom(nullptr, bytes.data(), static_cast<ULONG>(bytes.size()),
                           BCRYPT_USE_SYSTEM_PREFERRED_RNG),
         "asking for randomness");
}

namespace crypto {

std::size_t key_bytes(Aead cipher) { return cipher == Aead::aes_128_gcm ? 16 : 32; }

std::string seal_with(Aead cipher, const Secret& key, Bytes nonce, Bytes text, Bytes associated) {
    check(cipher, key, text.size(), associated.size());
    if (nonce.size() != aead_nonce_bytes) throw std::logic_error("a nonce of another cipher");
    std::string out(text.size() + aead_tag_bytes, '\0');
    auto* const begin = reinterpret_cast<std::uint8_t*>(out.data());
    const CipherKey keyed(gcm(), key);
    auto mode = mode_of(nonce, associated, {begin + text.size(), aead_tag_bytes});
    ULONG done = 0;
    must(::BCryptEncrypt(keyed.get(), address_of(text), size_of(text), &mode, nullptr, 0, begin,
                         size_of(text), &done, 0),
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
    constexpr auto tag_mismatch = static_cast<NTSTATUS>(0xC000A002);
    const bool possible = sealed.size() >= overhead &&
                          sealed.size() <= aead_text_bytes_max + overhead &&
                          associated.size() <= aead_text_bytes_max;
    if (!possible) return fail(ErrorKind::corrupt, "aead.open", "not sealed so with this key");
    const auto text = sealed.subspan(aead_nonce_bytes, sealed.size() - overhead);
    check(cipher, key, text.size(), associated.size());
    std::array<std::uint8_t, aead_tag_bytes> tag{};
    std::ranges::copy(sealed.last(aead_tag_bytes), tag.begin());
    SecretSpace opened(text.size() + 1);  // never without an address
    const CipherKey keyed(gcm(), key);
    auto mode = mode_of(sealed.first(aead_nonce_bytes), associated, tag);
    ULONG done = 0;
    const auto status = ::BCryptDecrypt(keyed.get(), address_of(text), size_of(text), &mode,
                                        nullptr, 0, opened.data(), size_of(text), &done, 0);
    if (status == tag_mismatch)
        return fail(ErrorKind::corrupt, "aead.open", "not sealed so with this key");
    must(status, "opening");
    return Secret(opened.bytes().first(text.size()));
}

void encrypt_aes_256_blocks(const Secret& key, std::span<std::uint8_t> blocks) {
    if (key.bytes().size() != aes_256_key_bytes)
        throw std::logic_error("AES-256 wants a key of 32 bytes");
    const CipherKey keyed(ecb(), key);
    const auto size = static_cast<ULONG>(blocks.size());
    ULONG done = 0;
    must(::BCryptEncrypt(keyed.get(), blocks.data(), size, nullptr, nullptr, 0, blocks.data(), size,
                         &done, 0),
         "encrypting a block");
}

std::size_t code_bytes(HmacHash hash) {
    switch (hash) {
        case HmacHash::sha256: return 32;
        case HmacHash::sha384: return 48;
        case HmacHash::sha512: return 64;
    }
    std::unreachable();
}

HmacKey::HmacKey(HmacHash hash, Secret key) : hash_(hash), serial_(0), key_(std::move(key)) {}

HmacCode HmacKey::code_of(Bytes message) const {
    // HMAC fills keys up with zeros: one zero is no other key than none, and Windows wants one.
    static constexpr std::uint8_t zero = 0;
    const auto key = key_.empty() ? Bytes(&zero, 1) : key_.bytes();
    HmacCode code;
    code.size = code_bytes(hash_);
    must(::BCryptHash(hmac(hash_), address_of(key), size_of(key), address_of(message),
                      size_of(message), code.data.data(), static_cast<ULONG>(code.size)),
         "computing an HMAC");
    return code;
}

bool HmacKey::verify(Bytes message, Bytes code) const {
    return constant_time_equal(code_of(message).bytes(), code);
}

}  // namespace crypto
}  // namespace gh
