#include "app/health.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "app/health_facts.hpp"
#include "app/testing.hpp"
#include "base/temporary_directory.hpp"
#include "net/loop.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

using Status = CheckState::Status;

const HealthConfig quick{
    .interval = milliseconds(100), .timeout = milliseconds(50), .disk_free_min = 0, .required = {}};

class HealthTest : public ::testing::Test {
 protected:
    [[nodiscard]] static Task<Result<void>> round(Health& health) {
        co_await health.check();
        co_return Result<void>{};
    }
    static void check(Health& health) { ASSERT_TRUE(net::run_to_end(round(health))); }

    KeptLines said_;
    telemetry::Log log_{said_, telemetry::LogLevel::info};
};

TEST_F(HealthTest, KeepsWhatProbesSaidAndSinceWhen) {
    Result<void> outcome;
    Health health(quick, {{Dependency::vault, [&]() -> Task<Result<void>> { co_return outcome; }}},
                  log_);
    EXPECT_TRUE(health.report({}, std::chrono::steady_clock::now()).checks.empty())
        << "nobody has asked yet";
    check(health);
    const auto well = health.report({}, std::chrono::steady_clock::now()).checks.at("vault");
    EXPECT_EQ(well.status, Status::healthy);
    check(health);
    EXPECT_EQ(health.report({}, std::chrono::steady_clock::now()).checks.at("vault").since,
              well.since);
    EXPECT_TRUE(said_.text.empty()) << "what stays well is not worth a line";
    outcome = fail(ErrorKind::unavailable, "vault.away", "gone");
    check(health);
    check(health);
    const auto ill = health.report({}, std::chrono::steady_clock::now()).checks.at("vault");
    EXPECT_EQ(ill.status, Status::unhealthy);
    EXPECT_EQ(ill.why, "vault.away: gone");
    EXPECT_GT(ill.since, well.since);
    EXPECT_EQ(std::ranges::count(said_.text, '\n'), 1) << "once, not every round";
}

TEST_F(HealthTest, WhatDoesNotAnswerIsUnhealthyInTimeAndAskedOnce) {
    int asked = 0;
    net::Wakeup* waits = nullptr;
    Health health(quick,
                  {{Dependency::database,
                    [&]() -> Task<Result<void>> {
                        ++asked;
                        net::Wakeup for_ever(*net::Loop::current());
                        waits = &for_ever;
                        co_await for_ever.wait();
                        co_return Result<void>{};
                    }},
                   {Dependency::disk, []() -> Task<Result<void>> { co_return Result<void>{}; }}},
                  log_);
    const auto twice = [&waits](Health& each) -> Task<Result<void>> {
        co_await each.check();
        co_await each.check();
        waits->wake();
        net::Sleep its_turn(*net::Loop::current(), std::chrono::milliseconds(1));
        co_await its_turn;
        co_return Result<void>{};
    };
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(net::run_to_end(twice(health)));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
    EXPECT_EQ(asked, 1);
    const auto report = health.report({}, std::chrono::steady_clock::now());
    EXPECT_EQ(report.checks.at("database").status, Status::unhealthy);
    EXPECT_EQ(report.checks.at("disk").status, Status::healthy);
}

TEST_F(HealthTest, TheWorseOfWhatIsKnownAndWhatIsAskedCounts) {
    Health health(
        quick, {{Dependency::database, []() -> Task<Result<void>> { co_return Result<void>{}; }}},
        log_);
    check(health);
    CheckStates known;
    known.emplace("database", CheckState{.dependency = Dependency::database,
                                         .status = Status::degraded,
                                         .why = "3 writes wait",
                                         .backlog = 3});
    const auto now = std::chrono::steady_clock::now();
    const auto found = health.report(known, now).checks.at("database");
    EXPECT_EQ(found.status, Status::degraded);
    EXPECT_EQ(found.why, "3 writes wait");
    EXPECT_EQ(found.backlog, 3);
    const auto stale = health.report(known, now + std::chrono::minutes(1)).checks.at("database");
    EXPECT_EQ(stale.status, Status::unhealthy) << "the rounds have stopped";
}

TEST_F(HealthTest, OnlyWhatIsRequiredDecides) {
    CheckStates states;
    states.emplace("disk", CheckState{.dependency = Dependency::disk, .status = Status::unhealthy});
    states.emplace("upstream:a",
                   CheckState{.dependency = Dependency::upstreams, .status = Status::degraded});
    EXPECT_TRUE(judged(states, {}).ready());
    EXPECT_FALSE(judged(states, {.required = {Dependency::disk}}).ready());
    states.at("upstream:a").status = Status::unhealthy;
    EXPECT_FALSE(judged(states, {}).ready());
    EXPECT_TRUE(judged(states, {.required = {}}).ready());
}

TEST(CheckDisk, WantsRoomAndAFolderThatTakesFiles) {
    const TemporaryDirectory directory;
    EXPECT_TRUE(check_disk(directory.path(), 1));
    const auto full = check_disk(directory.path(), std::uint64_t{1} << 62);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().reason, "disk.full");
    const auto gone = check_disk(directory.path() / "gone", 1);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().reason, "disk.io");
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

class KnownStatesTest : public ::testing::Test {
 protected:
    [[nodiscard]] CheckState state() const {
        return known_states(std::vector{upstream_}, {}).at("upstream:models");
    }
    telemetry::Registry registry_;
    std::shared_ptr<gateway::proxy::Upstream> upstream_ = make_upstream(
        {.name = "models",
         .endpoints = {{.host = "10.9.8.7", .port = 8000}, {.host = "10.9.8.6", .port = 8000}},
         .circuit_breaker = {.failures = 1}},
        registry_);
};

TEST_F(KnownStatesTest, AnUpstreamWithoutEndpointsThatAnswerIsUnhealthy) {
    const auto fail_checks = [this](std::size_t endpoint) {
        for (int i = 0; i < 3; ++i) upstream_->targets()[endpoint]->endpoint->health.check_failed();
    };
    EXPECT_EQ(state().status, Status::healthy);
    EXPECT_EQ(state().circuit, "closed");
    fail_checks(0);
    EXPECT_EQ(state().status, Status::degraded) << "one of two still answers";
    fail_checks(1);
    EXPECT_EQ(state().status, Status::unhealthy);
    EXPECT_EQ(state().why, "0 of 2 endpoints answer, the circuit is closed");
}

TEST_F(KnownStatesTest, AnOpenCircuitIsUnhealthyUntilItMayBeTriedAgain) {
    const auto now = std::chrono::steady_clock::now();
    const auto break_at = [this](SteadyTime when) {
        auto pass = upstream_->breaker().try_pass(when);
        ASSERT_TRUE(pass);
        pass->failed(when);
    };
    break_at(now - std::chrono::hours(1));
    EXPECT_EQ(state().status, Status::degraded) << "or no request would ever come to try it";
    EXPECT_EQ(state().circuit, "open");
    break_at(now);
    EXPECT_EQ(state().status, Status::unhealthy);
}

TEST(CheckOfStorage, IsUnhealthyAwayAndDegradedWhileItIsOwedSomething) {
    EXPECT_EQ(check_of(StorageState{}).status, Status::healthy);
    const auto away = check_of({.answers = false, .backlog = 3, .oldest = seconds(61)});
    EXPECT_EQ(away.status, Status::unhealthy);
    EXPECT_EQ(away.backlog, 3);
    EXPECT_EQ(away.backlog_age_seconds, 61);
    EXPECT_EQ(check_of({.backlog = 3}).status, Status::degraded) << "it is back, not with all";
    EXPECT_EQ(check_of({.damaged = true}).status, Status::degraded);
}

TEST(KnownStates, TellWhatIsServedWhileTheCaIsAway) {
    using pki::acme_client::ServedState;
    struct Case {
        ServedState state;
        Status status;
        std::string_view served;
    };
    constexpr Case cases[] = {{ServedState::valid, Status::healthy, "valid"},
                              {ServedState::cached, Status::degraded, "cached"},
                              {ServedState::internal, Status::degraded, "internal"}};
    for (const auto& c : cases) {
        const auto found = known_states({}, c.state).at("certificate");
        EXPECT_EQ(found.status, c.status);
        EXPECT_EQ(found.served, c.served);
    }
    EXPECT_TRUE(known_states({}, {}).empty());
}

}  // namespace
}  // namespace gh::app
