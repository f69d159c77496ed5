#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "access/authenticator.hpp"
#include "access/principal.hpp"
#include "access/rate_limit_fields.hpp"
#include "api/stream.hpp"
#include "base/arena.hpp"
#include "base/clock.hpp"
#include "base/id.hpp"
#include "gateway/snapshot.hpp"
#include "http/downstream.hpp"
#include "telemetry/trace.hpp"

namespace gh::gateway {

struct Worker;

/// How an exchange ended, as the access log says it.
namespace outcome {
inline constexpr std::string_view ok = "ok";
inline constexpr std::string_view refused = "refused";  // by us, before an upstream was asked
inline constexpr std::string_view client_gone = "client_gone";  // the client left first
inline constexpr std::string_view client_slow = "client_slow";  // it took no byte for too long
inline constexpr std::string_view client_malformed = "client_malformed";
inline constexpr std::string_view upstream_failed = "upstream_failed";
inline constexpr std::string_view upstream_timeout = "upstream_timeout";
inline constexpr std::string_view upstream_cut =
    "upstream_cut";  // it broke off in the middle of its answer
inline constexpr std::string_view circuit_open = "circuit_open";
inline constexpr std::string_view expired = "expired";  // the credential or the total time ran out
inline constexpr std::string_view revoked = "revoked";  // the credential was ended meanwhile
}  // namespace outcome

/// One request and its response on their walk through the gateway. Each fact has one writer, named beside it; reading is
/// free. Objects are kept by their worker and used again.
class Exchange {
 public:
    void begin(http::Downstream& downstream, Worker& at,
               std::shared_ptr<const Snapshot> configuration);
    void end();
    /// The principal's right has ended: whoever works on this is woken, and finds that its time is over.
    void revoke();

    /// Answers with a problem document. Before the response has begun.
    /// @param code    stable token for programs: "auth.required"
    /// @param detail  for the client's eyes
    void refuse(std::uint16_t status, std::string_view code, std::string_view detail);

    /// A field of the response. Both views must outlive the exchange: literals, the request, or arena copies.
    void add_field(http::FieldId id, std::string_view name, std::string_view value) {
        response.fields.add(id, name, value);
    }

    // open (begin)
    http::Downstream* client = nullptr;
    Worker* worker = nullptr;
    std::shared_ptr<const Snapshot> snapshot;
    const ListenerPlan* listener = nullptr;
    UuidText request_id{};
    SteadyTime started;
    SystemTime started_at;
    Arena arena;

    // filters/request_ids
    std::string_view correlation_id;
    telemetry::TraceParent traceparent;  ///< the client's trace or a new one, and a span of ours
    std::string_view tracestate;         ///< of a client whose traceparent is good
    telemetry::Trace trace;              ///< recorded where the house exports traces

    // the peer's (begin), or what filters/find_client makes of it
    net::Address client_address;    ///< of the client itself where trusted proxies vouch for it
    std::string_view client_ip;     ///< the same as text
    bool client_encrypted = false;  ///< the client's own connection, as far as we know
    bool peer_is_trusted = false;   ///< one of trusted_proxies: what it says of its client counts

    // filters/match_route
    std::string_view path;   ///< normalised: what is judged and what is sent on
    std::string_view query;  ///< without '?'
    bool has_query = false;
    const Route* route = nullptr;

    // filters/authenticate
    std::shared_ptr<const access::Principal> principal;
    std::string_view auth_reason;  ///< why nobody was recognised, for the log

    // proxy or handler, shortened by revoke()
    SteadyTime ends_at = SteadyTime::max();  ///< total time, or the end of the credential
    bool revoked = false;

    // worker: its line of those that can be revoked
    Exchange* next_held = nullptr;
    Exchange* previous_held = nullptr;
    bool held = false;

    // filters/limit
    std::array<access::LimitDecision, access::RateLimiter::charges_max> limit_decisions;
    std::array<const RouteLimit*, access::RateLimiter::charges_max> limits_judged;
    std::size_t limits_count = 0;

    // gateway: its route counts it as in progress
    bool counted = false;

    // handler or proxy; on_response may amend the head
    http::ResponseHead response;
    std::string body;                                ///< of an answer of our own
    std::shared_ptr<const std::string> shared_body;  ///< instead of `body`, where there is one
    std::function<Task<>(api::Stream&)> tell;        ///< instead of both
    std::function<Task<>(api::Talk&)> talk;          ///< instead of these: after a 101 of ours
    std::string_view code;                           ///< of a refusal, for the log
    std::string_view outcome = outcome::ok;

    // proxy
    std::string_view upstream_name;
    std::string_view upstream_address;
    std::chrono::nanoseconds upstream_duration{0};  ///< request sent to the response's head
    unsigned attempts = 0;
    std::uint64_t tunnelled_up = 0;  ///< octets after a 101
    std::uint64_t tunnelled_down = 0;
    http::RequestHead upstream_request;  ///< as sent; kept for its memory

    [[nodiscard]] http::RequestHead& request() const { return client->request(); }
    [[nodiscard]] std::string_view request_id_text() const { return view(request_id); }
};

/// The client's certificate, as long as it is good: null where none was shown, it was revoked, or its time has ended since
/// the handshake.
[[nodiscard]] const access::ClientCertificate* certificate_of(const Exchange& exchange);

/// When the credential or the certificate ends by itself, whichever comes first.
[[nodiscard]] SteadyTime credential_end(const Exchange& exchange);

}  // namespace gh::gateway
