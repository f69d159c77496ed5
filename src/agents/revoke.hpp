#pragma once

#include "access/revocable.hpp"
#include "agents/credentials.hpp"
#include "agents/heartbeats.hpp"

namespace gh::agents {

/// An agent: it is put into quarantine, and has no tokens any more. What hangs on those goes with them: see Credentials.
class RevocableAgents final : public access::Revocable {
 public:
    /// @param credentials, heartbeats  outlive it; without heartbeats nobody counts them here
    explicit RevocableAgents(Credentials& credentials, Heartbeats* heartbeats = nullptr)
        : credentials_(credentials), heartbeats_(heartbeats) {}

    [[nodiscard]] std::string_view plane() const override { return "agents"; }
    Task<Result<std::optional<access::Target>>> find(storage::Session& session,
                                                     access::Target target) override;
    Task<Result<std::vector<access::Holding>>> look(storage::Session& session, access::Whom whom,
                                                    SystemTime now) override;
    Task<Result<void>> end(storage::Session& session, access::Whom whom, SystemTime now) override;
    void ended(const access::Target& target, SystemTime now) override;

 private:
    Credentials& credentials_;
    Heartbeats* heartbeats_;
};

}  // namespace gh::agents
