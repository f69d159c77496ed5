// A stored password hash from somebody's export: what is read is spelled as we would, keeps to the limits, and the
// libraries that compute it agree with the parser.

#include "crypto/password_hash.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crypto/password.hpp"

namespace {

using namespace gh::crypto;

void demand(bool holds) {
    if (!holds) std::abort();
}

/// So that the fuzzer tries many of them a second.
bool is_cheap(const PasswordHash& hash) {
    if (const auto* bcrypt = std::get_if<BcryptHash>(&hash)) return bcrypt->cost == 4;
    const auto& argon2id = std::get<Argon2idHash>(hash);
    return std::uint64_t{argon2id.memory_kib} * argon2id.passes <= 512;
}

void check_limits(const Argon2idHash& hash) {
    demand(hash.lanes >= 1 && hash.lanes <= argon2_lanes_max);
    demand(hash.passes >= 1 && hash.memory_kib <= argon2_memory_kib_max);
    demand(std::uint64_t{hash.memory_kib} * hash.passes <= argon2_memory_kib_by_passes_max);
    demand(hash.salt.size() >= 8 && hash.tag.size() >= 16);
}

void check_limits(const BcryptHash& hash) {
    demand(hash.cost >= 4 && hash.cost <= bcrypt_cost_max);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view stored(reinterpret_cast<const char*>(data), size);
    const auto hash = parse_password_hash(stored);
    if (!hash) {
        demand(hash.error().reason == "password.hash" ||
               hash.error().reason == "password.hash_bounds");
        return 0;
    }
    demand(to_text(*hash) == stored);
    std::visit([](const auto& each) { check_limits(each); }, *hash);
    if (!is_cheap(*hash)) return 0;
    static const Secret password("correct horse");
    demand(verify_password(password, stored, PasswordScheme::argon2id).has_value());
    return 0;
}
