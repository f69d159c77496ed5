#include "crypto/x25519.hpp"

#include "base/try.hpp"
#include "crypto/openssl.hpp"
#include "crypto/secret_space.hpp"

namespace gh::crypto {
namespace {

std::unexpected<Error> no_key() {
    return fail(ErrorKind::invalid_argument, "x25519.key", "an X25519 key has 32 bytes");
}

PkeyPtr pkey_of(const Secret& secret) {
    PkeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.bytes().data(),
                                             secret.size()));
    must(key != nullptr, "reading an X25519 key");
    return key;
}

}  // namespace

X25519 X25519::generate() { return of_secret(Secret::random(key_bytes)).value(); }

Result<X25519> X25519::of_secret(Secret secret) {
    if (secret.size() != key_bytes) return no_key();
    const auto key = pkey_of(secret);
    SecretSpace public_key(key_bytes);
    auto size = key_bytes;
    must(EVP_PKEY_get_raw_public_key(key.get(), public_key.data(), &size) == 1,
         "the public key of an X25519 key");
    return X25519(std::move(secret), public_key.secret());
}

Result<Secret> X25519::shared_with(Bytes public_key) const {
    if (public_key.size() != key_bytes) return no_key();
    const auto own = pkey_of(secret_);
    const PkeyPtr peer(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, public_key.data(),
                                                   public_key.size()));
    const PkeyContextPtr context(EVP_PKEY_CTX_new(own.get(), nullptr));
    must(peer && context && EVP_PKEY_derive_init(context.get()) == 1, "beginning X25519");
    SecretSpace shared(key_bytes);
    auto size = key_bytes;
    // OpenSSL refuses the secret that is all zeros.
    if (EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
        EVP_PKEY_derive(context.get(), shared.data(), &size) != 1) {
        clear_errors();
        return fail(ErrorKind::invalid_argument, "x25519.key", "a point of small order");
    }
    return shared.secret();
}

}  // namespace gh::crypto
