#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::identity {

/// A proof is good for a minute from its making, and a little before it for clocks that are behind.
inline constexpr std::chrono::seconds dpop_age_max{60};
inline constexpr std::chrono::seconds dpop_ahead_max{15};
inline constexpr std::size_t dpop_id_bytes_max = 256;  ///< of `jti`

/// The request with which a proof came.
struct DpopRequest {
    std::string_view method;        ///< as sent: case matters
    std::string_view scheme;        ///< of the client's own connection: "https" or "http"
    std::string_view authority;     ///< of the target, `Host` or `:authority`
    std::string_view path;          ///< without the query
    std::string_view access_token;  ///< that came with it; empty: none does, at the token endpoint
    std::string_view thumbprint;    ///< of the key that must have made it; empty: any key will do
};

/// What a good proof says.
struct DpopProof {
    std::string thumbprint;  ///< `jkt`: SHA-256 of the key (RFC 7638), base64url
    std::string id;          ///< `jti`; whoever takes it a second time is for DpopReplays to tell
};

/// Checks a DPoP proof (RFC 9449 §4.3) but for its being new. Pure; what costs least is looked at first, the signature last.
///
/// URIs are compared in normal form (RFC 3986 §6.2.2, §6.2.3), without query and fragment. Nonces are not asked for.
///
/// @param proof  value of the one field `DPoP`, at most 8 KiB
/// @return       `unauthenticated` with "dpop.malformed" (no JWS), "dpop.type" (`typ` is not "dpop+jwt"), "dpop.algorithm"
///               (not an asymmetric one), "dpop.key" (no public key in it, a private one, one too weak or not for the
///               algorithm), "dpop.claims" (one is missing, or of the wrong type), "dpop.method", "dpop.uri", "dpop.time",
///               "dpop.token" (`ath` is not of this access token), "dpop.other_key" or "dpop.signature"
[[nodiscard]] Result<DpopProof> check_dpop_proof(std::string_view proof, const DpopRequest& request,
                                                 SystemTime now);

}  // namespace gh::identity
