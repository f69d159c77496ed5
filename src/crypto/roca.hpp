#pragma once

// For the .cpp files of this room only.

#include <openssl/bn.h>

namespace gh::crypto {

/// Was this RSA modulus made by the generator of CVE-2017-15361 ("ROCA"), whose keys can be
/// factored? Its primes are k*M + (65537^a mod M), M a product of small primes, so modulo each of
/// them the modulus is a power of 65537; a modulus made otherwise passes for one with a chance
/// below 2^-27.
[[nodiscard]] bool has_roca_fingerprint(const BIGNUM* modulus);

}  // namespace gh::crypto
