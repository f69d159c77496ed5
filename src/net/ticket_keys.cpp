#include "net/ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

#include "base/try.hpp"
#include "crypto/x509.hpp"

namespace gh::net {

struct TicketKeys::Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher_key{};
    std::array<unsigned char, 32> mac_key{};

    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key() {
        OPENSSL_cleanse(cipher_key.data(), cipher_key.size());
        OPENSSL_cleanse(mac_key.data(), mac_key.size());
    }
};

struct TicketKeys::Set {
    Key newest;
    Key previous;
    bool has_previous = false;
    SystemTime made;
};

namespace {

template <class Key>
Result<Key> random_key() {
    Key key;
    if (RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) != 1 ||
        RAND_priv_bytes(key.cipher_key.data(), static_cast<int>(key.cipher_key.size())) != 1 ||
        RAND_priv_bytes(key.mac_key.data(), static_cast<int>(key.mac_key.size())) != 1) {
        return fail(ErrorKind::internal, "tls.random", crypto::take_openssl_errors());
    }
    return key;
}

/// RFC 5077 §4 with 256-bit keys: AES-CBC, then HMAC-SHA256 over name, IV and ciphertext.
template <class Key>
bool prepare(const Key& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
             int encrypt) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher_key.data(), iv,
                             encrypt) == 1 &&
           EVP_MAC_init(mac, key.mac_key.data(), key.mac_key.size(), parameters) == 1;
}

}  // namespace

TicketKeys::TicketKeys(std::shared_ptr<const Set> first) : set_(std::move(first)) {}

Result<std::shared_ptr<TicketKeys>> TicketKeys::make(SystemTime now) {
    GH_TRY(auto key, random_key<Key>());
    auto set = std::make_shared<Set>();
    set->newest = key;
    set->made = now;
    return std::make_shared<TicketKeys>(std::move(set));
}

std::shared_ptr<const TicketKeys::Set> TicketKeys::current() const {
    const std::scoped_lock lock(mutex_);
    return set_;
}

Result<bool> TicketKeys::rotate_if_due(SystemTime now) {
    const auto old = current();
    // A clock set back must not keep a key for ever.
    if (now >= old->made && now < old->made + rotation) return false;
    GH_TRY(auto key, random_key<Key>());
    auto set = std::make_shared<Set>();
    set->newest = key;
    set->previous = old->newest;
    set->has_previous = now < old->made + 2 * rotation;
    set->made = now;
    const std::scoped_lock lock(mutex_);
    set_ = std::move(set);
    return true;
}

int TicketKeys::seal(std::span<unsigned char, 16> key_name, std::span<unsigned char> iv,
                     EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const {
    const auto set = current();
    std::ranges::copy(set->newest.name, key_name.begin());
    if (RAND_bytes(iv.data(), static_cast<int>(iv.size())) != 1) return -1;
    return prepare(set->newest, iv.data(), cipher, mac, 1) ? 1 : -1;
}

int TicketKeys::open(std::span<const unsigned char, 16> key_name, std::span<const unsigned char> iv,
                     EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool renew) const {
    const auto set = current();
    const bool newest = std::ranges::equal(key_name, set->newest.name);
    if (!newest && !(set->has_previous && std::ranges::equal(key_name, set->previous.name)))
        return 0;
    if (!prepare(newest ? set->newest : set->previous, iv.data(), cipher, mac, 0)) return -1;
    return newest && !renew ? 1 : 2;
}

}  // namespace gh::net
