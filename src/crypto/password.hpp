#pragma once

// Passwords that people type. All but random_password() burns a thread for 70 ms and more, on purpose: call it on a
// bounded pool, behind a limit on attempts. For secrets of 128 bits and more a plain keyed hash is enough.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/password_hash.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

inline constexpr std::size_t password_bytes_max = 1024;
inline constexpr std::size_t bcrypt_password_bytes_max = 72;

/// What we make. For Argon2id it is what OWASP's password storage cheat sheet asks for at least: a check costs 70 ms of a
/// core and 19 MiB. Dearer ones would slow a thief of the store, but sign-ins share the cores with requests, and the
/// sign-in form would become the cheapest way to stall the house.
inline constexpr std::uint32_t argon2_memory_kib = 19 * 1024;
inline constexpr std::uint32_t argon2_passes = 2;
inline constexpr std::uint32_t argon2_lanes = 1;
inline constexpr std::uint32_t bcrypt_cost = 12;

/// Hashes with a salt of its own (16 random bytes).
///
/// @param password  UTF-8 of 1 to 1024 bytes, taken as it is, without normalisation. bcrypt would ignore what follows byte
///                  72 or a NUL: such passwords are refused for it, never cut
/// @return          text for the store, or `invalid_argument` with one of "password.empty", "password.too_long",
///                  "password.encoding", "password.nul"; `unavailable` "password.memory"
[[nodiscard]] Result<std::string> hash_password(PasswordScheme scheme, const Secret& password);

/// Would hash_password() take it? Costs nothing.
/// @return  its `invalid_argument` errors
[[nodiscard]] Result<void> check_new_password(PasswordScheme scheme, const Secret& password);

struct PasswordCheck {
    bool matches = false;
    /// It matches, but its hash is of another scheme than wanted, or weaker than we make now: hash and store it anew.
    bool rehash_wanted = false;
};

/// Compares in constant time. A password that hash_password() would refuse matches nothing; whether it is refused for
/// bcrypt alone does not show in the time.
///
/// @param wanted  the scheme of new hashes. A password too long for bcrypt keeps its Argon2id hash
/// @return        the errors of parse_password_hash(); `unavailable` "password.memory"
[[nodiscard]] Result<PasswordCheck> verify_password(const Secret& password, std::string_view stored,
                                                    PasswordScheme wanted);

/// A hash of a password that nobody knows. Verify against it when a user is unknown, so that the answer takes as long as
/// for those whose hash we made. Made once, at start.
[[nodiscard]] Result<std::string> decoy_hash(PasswordScheme scheme);

/// A one-time password to be read and typed by people: 24 letters and digits without 0, O, o, 1, I, i, l; 138 bits.
[[nodiscard]] Secret random_password();

}  // namespace gh::crypto
