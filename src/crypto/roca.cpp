#include "crypto/roca.hpp"

#include <algorithm>
#include <array>

namespace gh::crypto {
namespace {

constexpr std::array<unsigned, 38> small_primes = {
    3,  5,  7,  11, 13, 17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
    73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

/// Is `rest` a power of 65537 modulo `prime`?
bool is_power(unsigned rest, unsigned prime) {
    const unsigned generator = 65537 % prime;
    unsigned power = 1;
    do {
        if (power == rest) return true;
        power = power * generator % prime;
    } while (power != 1);
    return false;
}

}  // namespace

bool has_roca_fingerprint(const BIGNUM* modulus) {
    return std::ranges::all_of(small_primes, [modulus](unsigned prime) {
        return is_power(static_cast<unsigned>(BN_mod_word(modulus, prime)), prime);
    });
}

}  // namespace gh::crypto
