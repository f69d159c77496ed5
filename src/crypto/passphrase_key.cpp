#include "crypto/passphrase_key.hpp"

#include <argon2.h>

#include <string>

#include "crypto/password_hash.hpp"
#include "crypto/secret_space.hpp"

namespace gh::crypto {

bool PassphraseCost::bearable() const {
    return passes >= 1 && lanes >= 1 && lanes <= argon2_lanes_max && memory_kib >= 8 * lanes &&
           memory_kib <= argon2_memory_kib_max &&
           std::uint64_t{memory_kib} * passes <= argon2_memory_kib_by_passes_max;
}

Result<Secret> passphrase_key(const Secret& passphrase, std::string_view salt,
                              const PassphraseCost& cost) {
    constexpr std::size_t key_bytes = 32;
    if (passphrase.empty() || passphrase.size() > passphrase_bytes_max) {
        return fail(ErrorKind::invalid_argument, "sealed.passphrase",
                    "a passphrase has 1 to 1024 bytes");
    }
    SecretSpace key(key_bytes);
    const int status =
        ::argon2id_hash_raw(cost.passes, cost.memory_kib, cost.lanes, passphrase.bytes().data(),
                            passphrase.size(), salt.data(), salt.size(), key.data(), key_bytes);
    if (status == ARGON2_MEMORY_ALLOCATION_ERROR) {
        return fail(ErrorKind::unavailable, "sealed.memory",
                    "the key of a passphrase wants " + std::to_string(cost.memory_kib) + " KiB");
    }
    if (status != ARGON2_OK)
        return fail(ErrorKind::internal, "sealed.argon2", ::argon2_error_message(status));
    return key.secret();
}

}  // namespace gh::crypto
