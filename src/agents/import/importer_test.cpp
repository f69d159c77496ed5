#include "agents/import/importer.hpp"

#include "agents/testing.hpp"

namespace gh::agents {
namespace {

constexpr std::string_view dump_text = R"({
  "agents": {
    "agent-001": {"hostname": "Build-1", "ip_address": "192.0.2.1", "status": "active",
                  "last_heartbeat": "2025-10-22 16:38:46", "created_at": 1761151126},
    "agent-002": {"hostname": "build-2", "capabilities": ["search"]},
    "agent-003": {"hostname": "build-2"},
    "agent-004": {"ip_address": "192.0.2.4"},
    "agent-005": {"hostname": "build-5", "created_at": "last week"}},
  "tokens": [
    {"agent_id": "agent-001", "token_hash": "$2b$12$abc", "expires_at": "2025-10-23T16:38:46Z"},
    {"agent_id": "agent-009", "token_hash": "$2b$12$def"},
    {"agent_id": "agent-002"}],
  "threats": [
    {"id": 1, "agent_id": "agent-001", "threat_type": "Port Scan", "severity": "high",
     "detected_at": 1761151126000, "details": "{\"port\": 22}"},
    {"id": 2, "agent_id": "agent-001", "threat_type": "scan", "severity": "grave",
     "detected_at": 1761151126000},
    {"id": 3, "agent_id": "agent-001", "threat_type": "scan", "severity": "low",
     "detected_at": 1761151126000, "details": "{port"},
    {"id": 1, "agent_id": "agent-002", "threat_type": "scan", "severity": "low",
     "detected_at": 1761151126000}],
  "audit_logs": [
    {"id": 7, "agent_id": "agent-001", "event_type": "agent_registered", "severity": "info",
     "actor": "ada", "action": "register", "result": "success", "timestamp": "2025-10-22T16:38:46"},
    {"id": 8, "event_type": "system_started", "timestamp": 1761151126},
    {"id": 9, "event_type": "lost"}, 5]
})";

std::vector<std::string> told(const std::vector<Skipped>& skipped) {
    std::vector<std::string> lines;
    for (const auto& each : skipped) lines.push_back(each.entry + ": " + each.why);
    return lines;
}

const std::vector<std::string> all_that_is_wrong{
    "agents.agent-003: is there twice",
    "agents.agent-004: has no hostname",
    "agents.agent-005: created_at is no moment that can be read",
    "tokens[1]: belongs to no agent of the dump",
    "tokens[2]: has no token_hash",
    "threats[1]: severity is none of ours",
    "threats[2]: details is no JSON object of 8192 bytes at most",
    "threats[3]: is there twice",
    "audit_logs[2]: has no timestamp",
    "audit_logs[3]: is no object"};

TEST(DumpTest, WhatIsWrongIsListedAndTheRestIsRead) {
    const auto dump = parse_dump(dump_text);
    ASSERT_TRUE(dump) << describe(dump.error());
    EXPECT_EQ(told(dump->skipped), all_that_is_wrong);
    ASSERT_EQ(dump->agents.size(), 2U);
    EXPECT_EQ(dump->agents[0].hostname, "build-1");
    ASSERT_EQ(dump->threats.size(), 1U);
    EXPECT_EQ(dump->threats[0].type, "port_scan");
    EXPECT_EQ(dump->threats[0].details, R"({"port":22})");
    EXPECT_EQ(dump->audit_logs.size(), 2U);
}

TEST(DumpTest, WhatIsNoDumpIsRefused) {
    EXPECT_EQ(reason(parse_dump("[]")), "dump.shape");
    EXPECT_EQ(reason(parse_dump("{}")), "dump.shape");
    EXPECT_EQ(reason(parse_dump(R"({"agents": [)")), "json.malformed");
    EXPECT_TRUE(parse_dump(R"({"agents": 5})"));
    EXPECT_TRUE(parse_dump(R"({"tokens": []})"));
}

class ImportTest : public AgentsTest {
 protected:
    Imported import(std::string_view text) {
        batches.clear();
        auto dump = parse_dump(text).value();
        return run_to_end(import_dump(*database, std::move(dump), at(100),
                                      [this](Kind kind, std::size_t done, std::size_t all) {
                                          batches.push_back(std::string(name_of(kind)) + " " +
                                                            std::to_string(done) + "/" +
                                                            std::to_string(all));
                                      }))
            .value();
    }
    std::int64_t count(std::string_view table) {
        const std::string sql = "SELECT count(*) FROM " + std::string(table);
        const storage::Statement statement{.name = "t.count", .sql = sql};
        return run_to_end(database->query(statement)).value()[0].integer(0);
    }
    std::vector<std::string> batches;
};

INSTANTIATE_TEST_SUITE_P(Engines, ImportTest, storage::both_engines, storage::engine_name);

TEST_P(ImportTest, ComesInOnceHoweverOftenItIsDone) {
    for (int round = 0; round < 3; ++round) {
        const auto done = import(dump_text);
        EXPECT_EQ(told(done.skipped), all_that_is_wrong);
        for (const auto kind : kinds) {
            const std::size_t all = kind == Kind::agents || kind == Kind::audit_logs ? 2 : 1;
            EXPECT_EQ(done.of(kind).written, round == 0 ? all : 0) << name_of(kind);
            EXPECT_EQ(done.of(kind).there, round == 0 ? 0 : all) << name_of(kind);
        }
        EXPECT_EQ(batches, (std::vector<std::string>{"agents 2/2", "tokens 1/1", "threats 1/1",
                                                     "audit_logs 2/2"}));
    }
    EXPECT_EQ(count("agents"), 2);
    EXPECT_EQ(count("agent_tokens"), 1);
    EXPECT_EQ(count("threats"), 1);
    EXPECT_EQ(count("audit_records"), 2);
    const auto agent = run_to_end(agents().find_by_hostname("build-1")).value();
    EXPECT_EQ(agent.status, Status::pending);
    EXPECT_EQ(agent.labels.at("imported-id"), "agent-001");
    EXPECT_EQ(agent.ip_address, "192.0.2.1");
    EXPECT_TRUE(agent.last_heartbeat_at);
    const auto token = run_to_end(tokens().list(agent.id, {}, 10)).value().at(0);
    EXPECT_TRUE(token.revoked_at);
    const auto threat = run_to_end(threats().list({})).value().at(0);
    EXPECT_EQ(threat.agent_id, agent.id);
    EXPECT_EQ(threat.severity, Severity::high);
}

TEST_P(ImportTest, AnAgentOfOursOfThatNameIsThatAgent) {
    const auto ours = online("build-1");
    const auto done = import(dump_text);
    EXPECT_EQ(done.of(Kind::agents).written, 1U);
    EXPECT_EQ(done.of(Kind::agents).there, 1U);
    EXPECT_EQ(find(ours.id).status, Status::online);
    EXPECT_EQ(run_to_end(threats().list({})).value().at(0).agent_id, ours.id);
}

TEST_P(ImportTest, ManyComeInBatches) {
    std::string text = R"({"agents": [)";
    for (int i = 0; i < 1'200; ++i)
        text += (i == 0 ? "" : ",") + std::string(R"({"id": "a)") + std::to_string(i) +
                R"(", "hostname": "h)" + std::to_string(i) + "\"}";
    const auto done = import(text + "]}");
    EXPECT_EQ(done.of(Kind::agents).written, 1'200U);
    EXPECT_EQ(batches, (std::vector<std::string>{"agents 500/1200", "agents 1000/1200",
                                                 "agents 1200/1200"}));
}

}  // namespace
}  // namespace gh::agents
