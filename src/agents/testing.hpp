#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "agents/agent_repository.hpp"
#include "agents/threat_repository.hpp"
#include "agents/token_repository.hpp"
#include "base/id.hpp"
#include "storage/testing.hpp"

/// For tests of this room's repositories.
namespace gh::agents {

using storage::run_to_end;

template <class T>
std::string_view reason(const Result<T>& done) {
    return done ? "" : done.error().reason;
}

class AgentsTest : public storage::EngineTest {
 protected:
    static SystemTime at(int second) { return SystemTime(seconds(1'700'000'000 + second)); }
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        const auto done =
            run_to_end(storage::migrate(*database, storage::embedded_migrations(), at(0)));
        ASSERT_TRUE(done) << describe(done.error());
    }
    AgentRepository agents() { return AgentRepository(*database); }
    TokenRepository tokens() { return TokenRepository(*database); }
    ThreatRepository threats() { return ThreatRepository(*database); }

    static Agent named(std::string hostname, int second = 0) {
        Agent agent;
        agent.id = view(uuid_v7(at(second)));
        agent.enrolment = view(uuid_v7(at(second)));
        agent.hostname = std::move(hostname);
        agent.created_by = "user:ada";
        agent.created_at = at(second);
        return agent;
    }
    Agent add(std::string hostname, int second = 0) {
        auto added = run_to_end(agents().add(named(std::move(hostname), second)));
        EXPECT_TRUE(added) << describe(added.error());
        return added.value_or(Agent{});
    }
    Result<Agent> come(const std::string& enrolment, int second = 1) {
        auto work = [&](storage::Session& session) {
            return AgentRepository::arrive(
                session, enrolment,
                {.ip_address = "192.0.2.7", .agent_version = "2", .capabilities = {}}, at(second));
        };
        return run_to_end(database->write(std::move(work)));
    }
    /// One that has come.
    Agent online(std::string hostname, int second = 0) {
        return come(add(std::move(hostname), second).enrolment, second).value();
    }
    Result<Agent> move(const std::string& id, Status to, int second = 2) {
        AgentChange change;
        change.status = to;
        return run_to_end(agents().change(id, std::move(change), at(second)));
    }
    Agent find(const std::string& id) { return run_to_end(agents().find(id)).value(); }
};

}  // namespace gh::agents
