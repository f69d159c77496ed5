#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "codec/jose.hpp"
#include "codec/json_outline.hpp"
#include "identity/key_set.hpp"

namespace gh::identity {

/// How far ahead of our clock `iat` may lie before it is taken for nonsense. It grants no time:
/// `exp` and `nbf` do that.
inline constexpr std::chrono::seconds issued_ahead_max{60};
inline constexpr std::size_t subject_bytes_max = 256;
inline constexpr std::size_t names_max = 128;       ///< roles, scopes or audiences of one token
inline constexpr std::size_t name_bytes_max = 128;  ///< of one of them

/// What our own tokens say of a subject that is a program (`principal_type`).
inline constexpr std::string_view service_principal = "service";
inline constexpr std::string_view agent_principal = "agent";
inline constexpr std::string_view origins_claim = "gh_origins";  ///< see TokenGrant::origins

/// What a token must say to be believed.
struct JwtPolicy {
    std::string issuer;           ///< compared with `iss`, byte by byte
    bool issuer_required = true;  ///< false: a token without `iss` passes, another `iss` never
    std::vector<std::string> audience;  ///< one of them must be in `aud`
    bool any_audience = false;          ///< must be said: with neither, no token passes
    std::string subject_claim = "sub";
    std::string roles_claim =
        "roles";  ///< a name, or names apart by "." where it leads into objects
    std::string scopes_claim = "scope";
    std::chrono::seconds leeway{0};  ///< for `exp` and `nbf`
};

/// Who alone may use a token (`cnf`, RFC 7800 §3): both empty where whoever bears it may.
struct Confirmation {
    std::string key;          ///< `jkt`, as DpopProof::thumbprint (RFC 9449 §6.1)
    std::string certificate;  ///< `x5t#S256` as ClientCertificate::fingerprint (RFC 8705 §3.1)
};

/// What a believed token said.
struct Claims {
    std::string issuer;  ///< as trusted, also where the token need not state it
    std::string subject;
    std::string token_id;            ///< `jti`; empty when absent
    std::vector<std::string> roles;  ///< an array of strings, or one string
    std::vector<std::string>
        scopes;             ///< a string apart by spaces (RFC 8693 §4.2), or an array of strings
    std::string client_id;  ///< RFC 9068 §2.2; empty when absent
    SystemTime
        issued;  ///< `iat`, to the millisecond where `jti` is a UUIDv7 of that second; 1970 when absent
    SystemTime expires;  ///< `exp`, without leeway
    Confirmation confirmation;
    bool service = false;    ///< `principal_type` says so: of meaning in our own tokens only
    bool agent = false;      ///< the same
    bool delegated = false;  ///< `act`: somebody acts for the subject (RFC 8693 §4.1)
    std::vector<std::string>
        actors;  ///< `act.sub`, the nearest first; at most eight of those that can be read
    std::vector<std::string> origins;  ///< see TokenGrant
};

/// A token taken apart and not yet believed.
struct UnverifiedJwt {
    codec::CompactJws jws;  ///< but for its payload, which the claims keep
    codec::json::Outline claims;

    /// Names the issuer whose keys to try; proves nothing. Empty when absent.
    [[nodiscard]] std::string_view issuer() const;
};

/// @return `unauthenticated` with the reasons of codec::parse_jws, or "jwt.malformed" for claims
/// that are no JSON object
[[nodiscard]] Result<UnverifiedJwt> parse_jwt(std::string_view token);

/// Finds the key and checks the signature, and nothing else.
/// @return `unauthenticated` with the reasons of KeySet::find, or "jwt.signature"
[[nodiscard]] Result<void> verify_signature(const codec::CompactJws& jws, const KeySet& keys);

/// Checks signature, then type, issuer, audience and times (RFC 7519 §4.1, RFC 8725 §3).
///
/// `exp` is required; a token is good before that second and not in it. `typ` is absent, "JWT" or
/// "at+jwt" (RFC 9068): other kinds of token are signed by the same keys and mean something else.
///
/// @param token  compact serialisation, at most 8 KiB; longer is refused unread
/// @param now    passed in, so that expiry is testable
/// @return       Claims, or `unauthenticated` with one of "jwt.malformed", "jwt.algorithm",
/// "jwt.critical", "jwt.key",
///               "jwt.key_ambiguous", "jwt.signature", "jwt.type", "jwt.issuer", "jwt.audience",
///               "jwt.expired", "jwt.not_yet", "jwt.confirmation" (`cnf` in a way that we cannot check), or "jwt.claims" (a claim of the wrong type, without
///               meaning, or missing)
[[nodiscard]] Result<Claims> verify_jwt(std::string_view token, const KeySet& keys,
                                        const JwtPolicy& policy, SystemTime now);
/// The same for a token that was taken apart to learn its issuer.
[[nodiscard]] Result<Claims> verify_jwt(const UnverifiedJwt& token, const KeySet& keys,
                                        const JwtPolicy& policy, SystemTime now);

}  // namespace gh::identity
