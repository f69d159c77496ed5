#include "app/first_key.hpp"

#include "base/try.hpp"
#include "codec/hex.hpp"
#include "crypto/digest.hpp"
#include "crypto/secret.hpp"
#include "identity/api_keys.hpp"

namespace gh::app {
namespace {

constexpr std::string_view stored_as = "first-api-key";

}  // namespace

Result<FirstKey> first_key(crypto::KeyStore& keys) {
    FirstKey key;
    key.config.id = key.config.subject = "first-key";
    key.config.roles = {"user"};
    if (auto stored = keys.load(stored_as)) {
        key.config.sha256 = crypto::text_of(stored->bytes());
        if (key.config.sha256.size() != 64 || !codec::decode_hex(key.config.sha256)) {
            return fail(ErrorKind::corrupt, "first_key.unreadable",
                        "the file of the first API key is damaged; remove keys/first-api-key in "
                        "the data directory for a new key");
        }
        return key;
    } else if (stored.error().kind != ErrorKind::not_found) {
        return std::unexpected(std::move(stored).error());
    }
    GH_TRY(key.text, identity::generate_api_key(key.config.id));
    key.config.sha256 = crypto::sha256_hex(key.text);
    GH_TRY_VOID(keys.store(stored_as, crypto::Secret(key.config.sha256)));
    return key;
}

}  // namespace gh::app
