#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/principal.hpp"
#include "access/waiter.hpp"
#include "base/clock.hpp"

namespace gh::access {

/// A client certificate that the handshake verified: chain, times and purpose are already checked.
struct ClientCertificate {
    std::string subject;      ///< common name, or the first URI or DNS name where there is none
    std::string fingerprint;  ///< SHA-256 of the DER, lower-case hex
    std::string serial;       ///< lower-case hex
    /// All that it says of its holder: "dn:CN=ci,O=Example" (RFC 4514), "dns:ci.example.com", "uri:spiffe://example/ci",
    /// "ip:192.0.2.7".
    std::vector<std::string> names = {};
    SystemTime not_after = SystemTime::max();
    /// Of the authorities above it in the chain that was verified: their subject key ids, lower-case hex.
    std::vector<std::string> authorities = {};
};

/// What a request brought along. Views into the request head.
struct Credentials {
    std::string_view authorization;  ///< value of Authorization, empty when absent
    std::string_view api_key;        ///< value of X-API-Key, empty when absent
    const ClientCertificate* certificate = nullptr;
    bool has_authorization = false;
    bool has_api_key = false;
    std::uint8_t dpop_fields = 0;  ///< how many of the name DPoP; one is right
    std::string_view dpop;         ///< value of the last
    /// What a proof must be made for (RFC 9449 §4.3); empty where there is none.
    std::string_view method, scheme, authority, path;
};

/// Why nobody was recognised: the three texts a client may see, and nothing finer.
enum class Refusal : std::uint8_t {
    missing,  ///< "Missing or invalid authentication credentials"
    token,    ///< "Invalid authentication token"
    login,    ///< "Invalid username or password"
};

[[nodiscard]] std::string_view text_of(Refusal refusal);

/// Which way in the answer names: Bearer, but for who tried DPoP (RFC 9449 §7.1).
enum class Challenge : std::uint8_t {
    bearer,
    dpop_token,  ///< the token is not good, or not this key's
    dpop_proof,  ///< the proof is not
};

/// The value of WWW-Authenticate.
[[nodiscard]] std::string_view text_of(Challenge challenge);

/// What proofs may be signed with.
inline constexpr std::string_view dpop_algorithms =
    "ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256 RS384 RS512";

struct Verdict {
    enum class Standing : std::uint8_t {
        judged,
        pending,      ///< a database is being asked: wait() and ask again
        unavailable,  ///< nobody can tell now: neither good nor bad
    };
    std::shared_ptr<const Principal> principal;  ///< null: refused, or not judged
    Refusal refusal = Refusal::missing;
    std::string_view reason;  ///< for the log: "jwt.expired", "key.unknown", ...; static storage
    Standing standing = Standing::judged;
    Challenge challenge = Challenge::bearer;
};

/// Checks credentials. One instance per worker thread, so it may keep a cache without locks.
class Authenticator {
 public:
    virtual ~Authenticator() = default;
    /// Never blocks, never throws for bad input. `now` is the worker's clock, read once a turn.
    [[nodiscard]] virtual Verdict authenticate(const Credentials& credentials, SystemTime now) = 0;
    /// After `pending`, in the same turn: has `waiter` woken when it is worth asking again.
    virtual void wait(const Credentials& credentials, Waiter& waiter) = 0;
};

}  // namespace gh::access
