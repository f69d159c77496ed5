#include "agents/status_watch.hpp"

#include "agents/testing.hpp"
#include "base/try.hpp"
#include "telemetry/log.hpp"

namespace gh::agents {
namespace {

constexpr storage::Statement select_records{
    .name = "t.records", .sql = "SELECT record FROM audit_records ORDER BY leaf_index"};

class StatusWatchTest : public AgentsTest {
 protected:
    static AgentsConfig config() {
        AgentsConfig config;
        config.offline_after = milliseconds(30'000);
        return config;
    }
    void SetUp() override {
        AgentsTest::SetUp();
        if (IsSkipped()) return;
        watch_.emplace(agents_, tokens_, heartbeats_, config(), metrics_, log_);
    }
    /// One round, where both clocks go alike.
    bool round(int second) { return round(second, second); }
    bool round(int wall, int steady) {
        return run_to_end(watch_->run(at(wall), SteadyTime(seconds(steady)))).has_value();
    }
    void rounds(int from, int to) {
        for (int second = from; second <= to; ++second) ASSERT_TRUE(round(second));
    }
    std::string records() {
        const auto rows = run_to_end(database->query(select_records)).value();
        std::string text;
        for (std::size_t i = 0; i < rows.size(); ++i) text += rows[i].text(0) + "\n";
        return text;
    }
    Status status(const Agent& agent) { return find(agent.id).status; }

    // What it works with outlives it: a database that can be away.
    class Through final : public storage::Database {
     public:
        explicit Through(const std::unique_ptr<storage::Database>& inner) : inner_(inner) {}
        [[nodiscard]] storage::Dialect dialect() const override { return inner_->dialect(); }
        [[nodiscard]] storage::PoolStatistics statistics() const override {
            return inner_->statistics();
        }
        [[nodiscard]] std::string_view engine() const override { return inner_->engine(); }
        Task<Result<void>> run(Mode mode, Work work) override {
            if (away) co_return fail(ErrorKind::unavailable, "storage.connection");
            co_return co_await inner_->run(mode, std::move(work));
        }
        bool away = false;

     private:
        const std::unique_ptr<storage::Database>& inner_;
    };
    Through through_{database};
    AgentRepository agents_{through_};
    TokenRepository tokens_{through_};
    Heartbeats heartbeats_;
    telemetry::Registry metrics_;
    telemetry::NoLog sink_;
    telemetry::Log log_{sink_, telemetry::LogLevel::info};
    std::optional<StatusWatch> watch_;
};

INSTANTIATE_TEST_SUITE_P(Engines, StatusWatchTest, storage::both_engines, storage::engine_name);

TEST_P(StatusWatchTest, SilenceMakesOfflineAndAHeartbeatBringsBackEachWithARecord) {
    const auto silent = online("silent"), loud = online("loud");
    for (int second = 0; second <= 31; ++second) {
        ASSERT_TRUE(heartbeats_.note(loud.id, "", true, at(second)));
        ASSERT_TRUE(round(second));
    }
    EXPECT_EQ(status(silent), Status::offline);
    EXPECT_EQ(status(loud), Status::online);
    EXPECT_TRUE(records().contains(R"("action":"agent.offline","object":{"type":"agent","id":")" +
                                   silent.id));
    ASSERT_TRUE(heartbeats_.note(silent.id, "", true, at(32)));
    ASSERT_TRUE(round(32));
    EXPECT_EQ(status(silent), Status::online);
    EXPECT_TRUE(records().contains(R"("action":"agent.online")"));
    EXPECT_FALSE(records().contains(loud.id));
}

TEST_P(StatusWatchTest, NobodyIsSilentBeforeTheHouseHasListenedLongEnough) {
    const auto agent = online("a");
    ASSERT_TRUE(round(1'000));
    ASSERT_TRUE(round(1'001));
    EXPECT_EQ(status(agent), Status::online) << "the house was down, and heard nobody";
    rounds(1'002, 1'030);
    EXPECT_EQ(status(agent), Status::offline);
}

TEST_P(StatusWatchTest, AnOutageOfTheDatabaseIsNobodysSilence) {
    const auto agent = online("a");
    rounds(0, 20);
    through_.away = true;
    ASSERT_TRUE(heartbeats_.note(agent.id, "", true, at(21)));
    for (int second = 21; second < 60; ++second) EXPECT_FALSE(round(second));
    through_.away = false;
    const auto other = online("of-another-node");
    rounds(60, 61);
    EXPECT_EQ(find(agent.id).last_heartbeat_at, at(21)) << "what was noted is written";
    EXPECT_EQ(status(agent), Status::online);
    EXPECT_EQ(status(other), Status::online) << "its node may not have written yet";
    rounds(62, 90);
    EXPECT_EQ(status(agent), Status::offline);
}

TEST_P(StatusWatchTest, AClockThatStepsMakesNobodySilent) {
    const auto agent = online("a");
    rounds(0, 31);
    ASSERT_EQ(status(agent), Status::offline);
    ASSERT_TRUE(heartbeats_.note(agent.id, "", true, at(32)));
    ASSERT_TRUE(round(32));
    ASSERT_EQ(status(agent), Status::online);
    ASSERT_TRUE(round(3'632, 33)) << "an hour ahead, from one second to the next";
    EXPECT_EQ(status(agent), Status::online);
    ASSERT_TRUE(heartbeats_.note(agent.id, "", true, at(3'633)));
    ASSERT_TRUE(round(3'633, 34));
    EXPECT_EQ(status(agent), Status::online);
}

TEST_P(StatusWatchTest, AClockThatStepsBackBringsNobodyBack) {
    const auto agent = online("a", 3'600);
    rounds(3'600, 3'632);
    ASSERT_EQ(status(agent), Status::offline);
    for (int second = 0; second < 40; ++second) ASSERT_TRUE(round(second, 3'633 + second));
    EXPECT_EQ(status(agent), Status::offline);
    ASSERT_TRUE(heartbeats_.note(agent.id, "", true, at(40)));
    ASSERT_TRUE(round(40, 3'673));
    EXPECT_EQ(status(agent), Status::online) << "but its heartbeats do";
}

TEST_P(StatusWatchTest, ExpiredTokensAreClearedAwayFasterThanTheyAreMade) {
    const auto agent = online("a");
    auto work = [&](storage::Session& session) -> Task<Result<void>> {
        for (int i = 0; i < TokenRepository::cleaned_at_once + 5; ++i) {
            NewToken token{.made = make_token(at(i)),
                           .agent_id = agent.id,
                           .family = {},
                           .created_by = "user:ada",
                           .expires_at = at(i + 1)};
            GH_CO_TRY_VOID(co_await TokenRepository::put(session, token, at(i)));
        }
        co_return Result<void>{};
    };
    ASSERT_TRUE(run_to_end(database->write(std::move(work))));
    const int later = 3 * 86'400;
    ASSERT_TRUE(round(later));
    EXPECT_EQ(run_to_end(tokens().list(agent.id, {}, 10)).value().size(), 5U);
    ASSERT_TRUE(round(later + 1));
    EXPECT_TRUE(run_to_end(tokens().list(agent.id, {}, 10)).value().empty());
}

TEST_P(StatusWatchTest, TheScrapePageCountsThemByStatus) {
    (void)online("a");
    (void)add("b");
    ASSERT_TRUE(round(0));
    std::string page;
    metrics_.render(page, telemetry::PageFormat::prometheus);
    EXPECT_TRUE(page.contains("gatehouse_agents{status=\"online\"} 1")) << page;
    EXPECT_TRUE(page.contains("gatehouse_agents{status=\"pending\"} 1"));
    EXPECT_TRUE(page.contains("vos_active_agents{agent_id=\""));
    EXPECT_FALSE(page.contains("status=\"retired\""));
}

}  // namespace
}  // namespace gh::agents
