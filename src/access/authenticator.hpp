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
};

/// What a request brought along. Views into the request head.
struct Credentials {
    std::string_view authorization;  ///< value of Authorization, empty when absent
    std::string_view api_key;        ///< value of X-API-Key, empty when absent
    const ClientCertificate* certificate = nullptr;
    bool has_authorization = false;
    bool has_api_key = false;
};

/// Why nobody was recognised: the three texts a client may see, and nothing finer.
enum class Refusal : std::uint8_t {
    missing,  ///< "Missing or invalid authentication credentials"
    token,    ///< "Invalid authentication token"
    login,    ///< "Invalid username or password"
};

[[nodiscard]] std::string_view text_of(Refusal refusal);

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
