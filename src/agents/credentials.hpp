#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/session.hpp"

namespace gh::agents {

/// What this room needs of who signs certificates and access tokens.
class Credentials {
 public:
    virtual ~Credentials() = default;

    /// A certificate for whoever comes with a one-time token.
    struct Awaited {
        std::string id;  ///< of the enrolment, a UUID
        std::string agent_id;
        std::string created_by;
        SystemTime now, expires_at;
    };
    /// Within a transaction. It can be signed: see check().
    [[nodiscard]] virtual Task<Result<void>> await(storage::Session& session, Awaited awaited) = 0;
    /// Would a certificate be signed, now?
    [[nodiscard]] virtual Result<void> check(const std::string& agent_id, SystemTime now) = 0;
    /// The one-time token of an enrolment.
    [[nodiscard]] virtual std::string enrolment_token(const std::string& enrolment) = 0;

    struct Certificate {
        std::string serial, chain_pem, root_pem;
        SystemTime not_after;
    };
    /// Work of the transaction that uses the token up: with the enrolment's id.
    using Arrive = std::function<Task<Result<void>>(storage::Session&, std::string enrolment)>;
    /// Exchanges a one-time token for a certificate of the key that the request proves, once; or says what the client is
    /// answered. What `arrive` refuses as `permission_denied` is a poor token.
    [[nodiscard]] virtual Task<Result<std::variant<Certificate, api::Reply>>> exchange(
        api::Call call, std::string token, std::string csr, Arrive arrive) = 0;
    /// Ends an enrolment and its certificates, within a transaction; one that is gone is no error.
    [[nodiscard]] virtual Task<Result<void>> end_enrolment(storage::Session& session,
                                                           std::string enrolment,
                                                           SystemTime now) = 0;

    struct AccessToken {
        std::string text;
        SystemTime expires;
    };
    /// Good until it, its family or its agent's tokens end.
    [[nodiscard]] virtual AccessToken access_token(const std::string& agent_id,
                                                   const std::string& family, seconds lifetime,
                                                   SystemTime now) = 0;
    /// All access tokens of an agent, or of a family, that were made so far: within a transaction, and then, once that has
    /// committed, on this node at once.
    [[nodiscard]] virtual Task<Result<void>> end_agent(storage::Session& session,
                                                       std::string agent_id, SystemTime now) = 0;
    virtual void agent_ended(const std::string& agent_id, SystemTime now) = 0;
    [[nodiscard]] virtual Task<Result<void>> end_family(storage::Session& session,
                                                        std::string family, SystemTime now) = 0;
    virtual void family_ended(const std::string& family, SystemTime now) = 0;
};

}  // namespace gh::agents
