#include "app/kill_switch.hpp"

#include <algorithm>
#include <utility>

#include "agents/agent_repository.hpp"
#include "agents/room.hpp"
#include "agents/token_repository.hpp"
#include "app/agent_credentials.hpp"
#include "app/kill_house.hpp"
#include "audit/act.hpp"
#include "base/id.hpp"
#include "bus/inbox.hpp"
#include "identity/key_repository.hpp"
#include "identity/user_repository.hpp"
#include "storage/testing.hpp"
#include "vault/leases/repository.hpp"

namespace gh::app {
namespace {

using access::PrincipalType;
using access::Target;
using storage::run_to_end;

const SystemTime now = std::chrono::system_clock::now();

/// A room that cannot.
class Unable final : public access::Revocable {
 public:
    [[nodiscard]] std::string_view plane() const override { return "unable"; }
    Task<Result<std::vector<access::Holding>>> look(storage::Session& /*session*/,
                                                    access::Whom /*whom*/,
                                                    SystemTime /*now*/) override {
        co_return std::vector<access::Holding>{};
    }
    Task<Result<void>> end(storage::Session& /*session*/, access::Whom /*whom*/,
                           SystemTime /*now*/) override {
        co_return fail(ErrorKind::conflict, "test.unable");
    }
};

/// A room where something comes while it is looked at: of a handler that was under way.
class Filling final : public access::Revocable {
 public:
    [[nodiscard]] std::string_view plane() const override { return "filling"; }
    Task<Result<std::vector<access::Holding>>> look(storage::Session& /*session*/,
                                                    access::Whom /*whom*/,
                                                    SystemTime /*now*/) override {
        std::vector<access::Holding> held{{.kind = "drops", .count = drops}};
        drops += std::exchange(coming, 0);
        co_return held;
    }
    Task<Result<void>> end(storage::Session& /*session*/, access::Whom /*whom*/,
                           SystemTime /*now*/) override {
        drops = 0;
        co_return Result<void>{};
    }
    std::int64_t drops = 0, coming = 0;
};

class KillSwitchTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        breaker.emplace(*database, planes.all());
    }
    agents::Agent arrived() {
        agents::Agent agent{.id = std::string(view(uuid_v7(now))),
                            .hostname = "build-7",
                            .enrolment = std::string(view(uuid_v7(now))),
                            .created_by = "user:ada",
                            .created_at = now};
        agents::Credentials::Awaited awaited{.id = agent.enrolment,
                                             .agent_id = agent.id,
                                             .created_by = "user:ada",
                                             .now = now,
                                             .expires_at = now + std::chrono::hours(1)};
        storage::Also<agents::Agent> also{
            .before = {},
            .after = [this, awaited](storage::Session& session, const agents::Agent&) {
                return credentials.await(session, awaited);
            }};
        agents::AgentRepository agents(*database);
        return run_to_end(agents.add(std::move(agent), std::move(also))).value();
    }
    void send(std::string recipient, std::string sender) {
        bus::Draft draft;
        draft.recipient = std::move(recipient);
        draft.sender = std::move(sender);
        draft.body = "{}";
        auto work = [draft](storage::Session& session) {
            return bus::send(session, {draft}, {}, now);
        };
        ASSERT_TRUE(run_to_end(database->write(std::move(work))));
    }
    void lend(std::string holder) {
        vault::leases::Lease lease;
        lease.id = "database/creds/app/" + holder;
        lease.role = lease.connection = "app";
        lease.username = "v-app";
        lease.holder = std::move(holder);
        lease.issued_at = now;
        lease.expires_at = lease.ends_at = lease.next_at = now + std::chrono::hours(1);
        vault::leases::Repository leases(*database);
        const auto id = lease.id;
        ASSERT_TRUE(run_to_end(leases.add(std::move(lease))));
        ASSERT_TRUE(run_to_end(leases.went_live(id)));
    }
    KillSwitch::Order order(Target target) {
        return {.id = std::string(view(uuid_v7(now))),
                .target = std::move(target),
                .reason = "why",
                .made_by = "user:ada"};
    }
    Result<Kill> end(Target target) {
        auto record = audit::act_of_house("principal.kill", "principal");
        return run_to_end(breaker->end(order(std::move(target)), std::move(record)));
    }
    static std::string text_of(const Kill& kill) {
        std::string text;
        for (const auto& item : kill.held) {
            if (item.ended + item.left > 0)
                text += item.kind + " " + std::to_string(item.ended) + "/" +
                        std::to_string(item.left) + ", ";
        }
        return text;
    }

    const crypto::HmacKey token_key{crypto::HmacHash::sha256, crypto::Secret::random(32)};
    AgentCredentials credentials{
        {.token_key = token_key,
         .authority = [] { return std::shared_ptr<const pki::Authority>(); },
         .trust_domain = "gatehouse.example"}};
    KillPlanes planes{credentials, nullptr, "gatehouse.example"};
    std::optional<KillSwitch> breaker;
};
INSTANTIATE_TEST_SUITE_P(Engines, KillSwitchTest, storage::both_engines, storage::engine_name);

TEST_P(KillSwitchTest, EndsWhatAnAgentHasAndNothingOfOthers) {
    const auto agent = arrived();
    send(agent.id, "user:ada");
    send("user:ada", agent.id);
    send("user:bob", "user:ada");
    lend("agent:" + agent.id);
    lend("delegated:ada");
    lend("user:ada");
    const Target target{.type = PrincipalType::agent, .name = agent.id};
    const auto seen = run_to_end(breaker->look(order(target)));
    ASSERT_TRUE(seen) << describe(seen.error());
    EXPECT_EQ(text_of(*seen), "admission 0/1, enrolments 0/1, leases 0/1, inbox 0/1, sent 0/1, ");
    auto done = end(target);
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(text_of(*done),
              "admission 1/0, enrolments 1/0, leases 1/0, ending 0/1, inbox 1/0, sent 1/0, ");
    const auto kept = run_to_end(breaker->records().find(done->id)).value();
    EXPECT_EQ(kept.held, done->held);
    EXPECT_FALSE(kept.complete || kept.took);
    const auto bob =
        run_to_end(breaker->look(order(Target{.type = PrincipalType::user, .name = "bob"})));
    EXPECT_EQ(bob.error().reason, "kill.unknown");
    const auto again = end(target);
    ASSERT_TRUE(again);
    EXPECT_EQ(text_of(*again), "ending 0/1, ");
    EXPECT_EQ(run_to_end(breaker->records().list({.principal = "agent:" + agent.id}))->size(), 2U);
    EXPECT_EQ(run_to_end(breaker->records().list({.limit = 1}))->front().id, again->id);
    auto& records = breaker->records();
    EXPECT_EQ(run_to_end(records.unseen("one", now - seconds(1)))->size(), 2U);
    EXPECT_EQ(run_to_end(records.unseen("one", again->made_at))->size(), 0U);
    ASSERT_TRUE(run_to_end(records.sight(done->id, {.node = "one", .refused = true, .at = now})));
    EXPECT_EQ(run_to_end(records.unseen("one", now - seconds(1)))->front().id, again->id);
    EXPECT_EQ(run_to_end(records.unseen("two", now - seconds(1)))->size(), 2U);
}

TEST_P(KillSwitchTest, EndsUsersServicesAndKeysWithKeysThatTheyMade) {
    identity::UserRepository users(*database);
    for (const std::string name : {"Ada", "bob"})
        ASSERT_TRUE(run_to_end(users.create({.name = name, .roles = {"admin"}}, now)));
    auto hasher = std::make_shared<const identity::ApiKeyHasher>(crypto::Secret::random(32));
    identity::KeyRepository keys(*database, hasher);
    const auto make = [&](std::string owner, std::string subject,
                          std::optional<std::string> parent) {
        identity::NewKey key{.name = "k", .owner = std::move(owner), .subject = std::move(subject)};
        key.parent = std::move(parent);
        key.kind = key.subject == "mail" ? PrincipalType::service : PrincipalType::api_key;
        return run_to_end(keys.create(std::move(key), now)).value().key.id;
    };
    const auto first = make("Ada", "", {});
    make("x", "", first);
    make(first, "", {});  // with the first one
    make("bob", "mail", {});
    const auto last = make("bob", "", {});
    lend("delegated:Ada");  // by who acts for her
    auto done = end({.type = PrincipalType::user, .name = "ADA"});
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(done->target.name, "Ada");
    EXPECT_EQ(text_of(*done), "admission 1/0, api_keys 3/0, leases 1/0, ending 0/1, ");
    EXPECT_EQ(text_of(end({.type = PrincipalType::service, .name = "mail"}).value()),
              "api_keys 1/0, ");
    EXPECT_EQ(text_of(end({.type = PrincipalType::api_key, .name = last}).value()),
              "api_keys 1/0, ");
    EXPECT_EQ(end({.type = PrincipalType::user, .name = "bob"}).error().reason, "user.last_admin");
    EXPECT_EQ(
        text_of(
            run_to_end(breaker->look(order({.type = PrincipalType::user, .name = "bob"}))).value()),
        "admission 0/1, ");
    for (const auto type : {PrincipalType::service, PrincipalType::api_key, PrincipalType::agent})
        EXPECT_EQ(end({.type = type, .name = "none"}).error().reason, "kill.unknown");
}

TEST_P(KillSwitchTest, WhatOneRoomCannotEndNoneHasEnded) {
    const auto agent = arrived();
    send(agent.id, "user:ada");
    Unable unable;
    auto rooms = planes.all();
    rooms.push_back(&unable);
    KillSwitch whole(*database, rooms);
    const Target target{.type = PrincipalType::agent, .name = agent.id};
    auto record = audit::act_of_house("principal.kill", "principal");
    EXPECT_EQ(run_to_end(whole.end(order(target), std::move(record))).error().reason,
              "test.unable");
    EXPECT_EQ(text_of(run_to_end(breaker->look(order(target))).value()),
              "admission 0/1, enrolments 0/1, inbox 0/1, ");
    EXPECT_TRUE(run_to_end(breaker->records().list({}))->empty());
}

TEST_P(KillSwitchTest, IsCompleteOnceEachNodeHasSeenIt) {
    const auto agent = arrived();
    auto& records = breaker->records();
    ASSERT_TRUE(run_to_end(records.say_alive("one")));
    ASSERT_TRUE(run_to_end(records.say_alive("silent")));
    const auto minute_ago = run_to_end(records.time()).value() - std::chrono::minutes(1);
    auto falls_silent = [minute_ago](storage::Session& session) {
        static constexpr storage::Statement statement{
            .name = "test.silent",
            .sql = "UPDATE kill_nodes SET alive_at = $1 WHERE node = 'silent'"};
        return session.execute(statement, minute_ago);
    };
    ASSERT_TRUE(run_to_end(database->write(std::move(falls_silent))));
    auto done = end({.type = PrincipalType::agent, .name = agent.id});
    ASSERT_TRUE(done);
    const auto observed = [&] { return run_to_end(breaker->observe(*done, SteadyTime{})).value(); };
    auto seen = observed();
    ASSERT_EQ(seen.nodes.size(), 2U) << "who is silent may believe its credentials still";
    EXPECT_TRUE(!seen.complete && seen.nodes[0].node == "one" && !seen.nodes[0].at);
    send(agent.id, "user:ada");
    EXPECT_EQ(text_of(observed()), "admission 1/0, enrolments 1/0, inbox 1/0, ")
        << "who is silent keeps nothing of what was under way";
    EXPECT_EQ(seen.nodes[1].silent_since, minute_ago);
    EXPECT_EQ(run_to_end(records.find(done->id))->nodes, seen.nodes) << "and so it is kept";
    KillSighting sighting{
        .node = "one", .open_before = 2, .open_after = 1, .refused = true, .at = now};
    ASSERT_TRUE(run_to_end(records.sight(done->id, sighting)));
    ASSERT_TRUE(run_to_end(records.leave("silent", {})));
    EXPECT_FALSE(observed().complete);
    sighting.open_after = 0;
    ASSERT_TRUE(run_to_end(records.sight(done->id, sighting)));
    // It was given up, and a node has answered since.
    EXPECT_TRUE(run_to_end(breaker->find(done->id))->complete);
    EXPECT_TRUE(run_to_end(records.find(done->id))->complete);
    seen = observed();
    EXPECT_TRUE(seen.complete && seen.took);
    EXPECT_EQ(seen.nodes[0].open_before, 2);
    sighting.open_before = sighting.open_after = 9;
    ASSERT_TRUE(run_to_end(records.sight(done->id, sighting)));
    EXPECT_EQ(run_to_end(records.sightings(done->id))->front().open_before, 2) << "it has spoken";
    // What came in between ends with it.
    send(agent.id, "user:ada");
    seen = observed();
    EXPECT_TRUE(seen.complete);
    EXPECT_EQ(text_of(seen), "admission 1/0, enrolments 1/0, inbox 1/0, ");
}

TEST_P(KillSwitchTest, WhatComesWhileItIsLookedAtEndsToo) {
    const auto agent = arrived();
    Filling filling;
    auto rooms = planes.all();
    rooms.push_back(&filling);
    KillSwitch whole(*database, rooms);
    auto record = audit::act_of_house("principal.kill", "principal");
    const auto target = Target{.type = PrincipalType::agent, .name = agent.id};
    auto done = run_to_end(whole.end(order(target), std::move(record)));
    ASSERT_TRUE(done);
    filling.coming = 1;
    const auto seen = run_to_end(whole.observe(*done, SteadyTime{}));
    ASSERT_TRUE(seen);
    EXPECT_TRUE(seen->complete);
    EXPECT_EQ(filling.drops, 0) << "complete, with something left";
}

TEST_P(KillSwitchTest, FindsWhatIsHeldUnderTheNamesOfKeys) {
    identity::UserRepository users(*database);
    for (const std::string name : {"ada@example.com", "bob"})
        ASSERT_TRUE(run_to_end(users.create({.name = name, .roles = {"admin"}}, now)));
    auto hasher = std::make_shared<const identity::ApiKeyHasher>(crypto::Secret::random(32));
    identity::KeyRepository keys(*database, hasher);
    const auto make = [&](std::string owner, std::string subject) {
        identity::NewKey key{.name = "k", .owner = std::move(owner), .subject = std::move(subject)};
        return run_to_end(keys.create(std::move(key), now)).value().key.id;
    };
    const auto billing = make("bob", "billing");
    const auto reports = make("ada@example.com", "reports");
    const auto one = make("bob", "both");
    make("bob", "both");
    for (const auto* holder :
         {"api_key:billing", "api_key:reports", "user:ada@example.com", "api_key:both"})
        lend(holder);
    send("user:ada%40example.com", "user:bob");
    send("user:bob", "api_key:" + reports);
    send("user:bob", "api_key:reports");  // a key with that id, which is another's
    send("api_key:billing", "user:bob");
    EXPECT_EQ(text_of(end({.type = PrincipalType::api_key, .name = billing}).value()),
              "api_keys 1/0, leases 1/0, ending 0/1, ");
    EXPECT_EQ(text_of(end({.type = PrincipalType::user, .name = "ada@example.com"}).value()),
              "admission 1/0, api_keys 1/0, leases 2/0, ending 0/2, inbox 1/0, sent 1/0, ");
    EXPECT_EQ(text_of(end({.type = PrincipalType::api_key, .name = one}).value()),
              "api_keys 1/0, leases 1/0, ending 0/1, ");
}

TEST_P(KillSwitchTest, OfAFloodEachTransactionEndsSome) {
    const auto agent = arrived();
    for (int batch = 0; batch < 24; ++batch) {
        std::vector<bus::Draft> drafts(100);
        for (auto& draft : drafts) {
            draft.recipient = "user:" + std::to_string(batch);
            draft.sender = agent.id;
            draft.body = "{}";
        }
        auto work = [drafts](storage::Session& session) {
            return bus::send(session, drafts, {}, now);
        };
        ASSERT_TRUE(run_to_end(database->write(std::move(work))));
    }
    auto done = end({.type = PrincipalType::agent, .name = agent.id});
    ASSERT_TRUE(done);
    EXPECT_EQ(text_of(*done), "admission 1/0, enrolments 1/0, sent 1000/1400, ");
    const auto seen = run_to_end(breaker->observe(*done, SteadyTime{}));
    ASSERT_TRUE(seen);
    EXPECT_TRUE(seen->complete);
    EXPECT_EQ(text_of(*seen), "admission 1/0, enrolments 1/0, sent 2400/0, ");
}

TEST_P(KillSwitchTest, WhatAUserHasMadeToComeBackWithEnds) {
    identity::UserRepository users(*database);
    for (const std::string name : {"ada", "bob"})
        ASSERT_TRUE(run_to_end(users.create({.name = name, .roles = {"admin"}}, now)));
    arrived();  // which user:ada has announced
    EXPECT_EQ(text_of(end({.type = PrincipalType::user, .name = "ada"}).value()),
              "admission 1/0, enrolments 1/0, ");
}

TEST_P(KillSwitchTest, ANodeSeesTheOneAfterAHundred) {
    auto& records = breaker->records();
    for (std::size_t i = 0; i <= KillRecords::unseen_max; ++i) {
        const Kill kill{.id = "kill-" + std::to_string(i),
                        .target = {.type = PrincipalType::user, .name = "ada"},
                        .reason = "why",
                        .made_by = "user:bob",
                        .made_at = now + milliseconds(i)};
        auto work = [kill](storage::Session& session) { return KillRecords::put(session, kill); };
        ASSERT_TRUE(run_to_end(database->write(std::move(work))));
    }
    const auto first = run_to_end(records.unseen("one", now - seconds(1))).value();
    ASSERT_EQ(first.size(), KillRecords::unseen_max);
    for (const auto& kill : first)
        ASSERT_TRUE(
            run_to_end(records.sight(kill.id, {.node = "one", .refused = true, .at = now})));
    const auto rest = run_to_end(records.unseen("one", now - seconds(1))).value();
    EXPECT_TRUE(rest.size() == 1 && rest[0].id == "kill-100");
}

TEST_P(KillSwitchTest, EndsNobodyWithMoreRights) {
    identity::UserRepository users(*database);
    for (const std::string name : {"ada", "bob"})
        ASSERT_TRUE(run_to_end(users.create({.name = name, .roles = {"admin"}}, now)));
    auto hasher = std::make_shared<const identity::ApiKeyHasher>(crypto::Secret::random(32));
    identity::KeyRepository keys(*database, hasher);
    identity::NewKey strong{.name = "k", .owner = "x", .scopes = {"keys:write"}};
    const auto key = run_to_end(keys.create(std::move(strong), now)).value().key.id;
    for (const auto& target : {Target{.type = PrincipalType::user, .name = "ada"},
                               Target{.type = PrincipalType::api_key, .name = key}}) {
        auto wish = order(target);
        wish.may = [](const access::Rights& held) {
            return held.roles.empty() && held.scopes.empty();
        };
        EXPECT_EQ(run_to_end(breaker->look(wish)).error().reason, "role.above_own");
        auto record = audit::act_of_house("principal.kill", "principal");
        EXPECT_EQ(run_to_end(breaker->end(wish, std::move(record))).error().reason,
                  "role.above_own");
        wish.may = [](const access::Rights& held) {
            return !held.roles.empty() || !held.scopes.empty();
        };
        EXPECT_TRUE(run_to_end(breaker->look(wish)));
    }
}

}  // namespace
}  // namespace gh::app
