#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "pki/acme/jws.hpp"
#include "pki/revoked.hpp"

// What payloads say, each function for one resource of RFC 8555. All are pure; members they do not know are passed over, and
// what is missing or of a wrong type is `invalid_argument` "acme.malformed" with a detail for the client.

namespace gh::pki::acme {

inline constexpr std::size_t contacts_max = 10;
inline constexpr std::size_t contact_bytes_max = 256;

/// §7.3
struct NewAccount {
    std::vector<std::string> contacts;  ///< "mailto:ops@example.com"
    bool only_existing = false;
    std::optional<Jws> external_account;  ///< §7.3.4, not believed yet
};
/// @return also "acme.contact" and "acme.contact_scheme" (§7.3), and errors of read_jws()
[[nodiscard]] Result<NewAccount> read_new_account(std::string_view payload);

/// §7.3.2 and §7.3.6
struct AccountUpdate {
    std::optional<std::vector<std::string>> contacts;
    bool deactivate = false;
};
/// @return as read_new_account()
[[nodiscard]] Result<AccountUpdate> read_account_update(std::string_view payload);

/// §7.3.5, of the inner JWS
struct KeyChange {
    std::string account;  ///< its URL
    codec::Jwk old_key;
};
/// @return also "acme.public_key"
[[nodiscard]] Result<KeyChange> read_key_change(std::string_view payload);

/// §7.4
struct NewOrder {
    std::vector<std::string> names;  ///< each once, in order of the alphabet
    std::string replaces;            ///< a certificate's ARI id (RFC 9773 §5); empty: none
};
/// @return also "acme.identifier" and "acme.identifier_type"
[[nodiscard]] Result<NewOrder> read_new_order(std::string_view payload);

/// §7.4
/// @return the request's DER, or also "acme.csr"
[[nodiscard]] Result<std::string> read_finalize(std::string_view payload);

/// §7.5.2, which knows one update.
[[nodiscard]] Result<void> read_deactivation(std::string_view payload);

/// §7.5.1: an object, whatever is in it.
[[nodiscard]] Result<void> read_readiness(std::string_view payload);

/// §7.6
struct Revocation {
    std::string certificate;  ///< DER
    RevocationReason reason = RevocationReason::unspecified;
};
/// @return also "acme.reason"
[[nodiscard]] Result<Revocation> read_revocation(std::string_view payload);

/// Which certificate a renewal is about (RFC 9773 §4.1).
struct RenewalId {
    std::string issuer_key_id;  ///< lower-case hex
    std::string serial;         ///< as crypto::serial_of() has it
};
/// "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
[[nodiscard]] Result<RenewalId> read_renewal_id(std::string_view text);

}  // namespace gh::pki::acme
