#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agents/credentials.hpp"
#include "crypto/hmac.hpp"
#include "identity/revocations.hpp"
#include "identity/token_issuer.hpp"
#include "pki/authority.hpp"
#include "pki/enrolment_room.hpp"
#include "plan/progress.hpp"

namespace gh::app {

/// What agents are given, by the rooms that make it: access tokens of ours, certificates of the internal CA.
class AgentCredentials final : public agents::Credentials {
 public:
    /// All outlive it. A verb of the shell, which hands out no tokens and exchanges none, has neither room: null.
    struct Parts {
        const crypto::HmacKey& token_key;  ///< of enrolments
        std::function<std::shared_ptr<const pki::Authority>()> authority;
        std::string trust_domain;
        pki::EnrolmentRoom* enrolment = nullptr;
        const identity::TokenIssuer* issuer = nullptr;
        identity::RevocationSource* revocations = nullptr;
        /// Told, behind the commit, of plans whose steps an agent has lost; may be empty.
        std::function<void(const std::vector<plan::Stir>&)> plans_stirred = {};
        /// Told, behind the commit, of an agent that is shut out; may be empty.
        std::function<void(const std::string&)> agent_ended = {};
    };
    explicit AgentCredentials(Parts parts) : parts_(std::move(parts)) {}

    Task<Result<void>> await(storage::Session& session, Awaited awaited) override;
    Result<void> check(const std::string& agent_id, SystemTime now) override;
    std::string enrolment_token(const std::string& enrolment) override;
    Task<Result<std::variant<Certificate, api::Reply>>> exchange(api::Call call, std::string token,
                                                                 std::string csr,
                                                                 Arrive arrive) override;
    Task<Result<void>> end_enrolment(storage::Session& session, std::string enrolment,
                                     SystemTime now) override;
    AccessToken access_token(const std::string& agent_id, const std::string& family,
                             seconds lifetime, SystemTime now) override;
    Task<Result<void>> end_agent(storage::Session& session, std::string agent_id,
                                 SystemTime now) override;
    void agent_ended(const std::string& agent_id, SystemTime now) override;
    Task<Result<void>> end_family(storage::Session& session, std::string family,
                                  SystemTime now) override;
    void family_ended(const std::string& family, SystemTime now) override;

 private:
    [[nodiscard]] pki::LeafRequest leaf_of(const std::string& agent_id) const;

    const Parts parts_;
    std::mutex mutex_;
    std::map<std::string, std::vector<plan::Stir>> stirred_;  // by agent, until it is committed
};

}  // namespace gh::app
