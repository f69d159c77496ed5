#include "identity/key_repository.hpp"

#include <fstream>

#include "access/permission.hpp"
#include "base/try.hpp"
#include "identity/user_repository.hpp"
#include "storage/testing.hpp"

namespace gh::identity {
namespace {

using std::chrono::hours;
using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};

class KeyRepositoryTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        keys.emplace(*database, hasher);
    }
    MadeKey create(std::string name = "import", std::string owner = "ann") {
        NewKey key{.name = std::move(name),
                   .owner = std::move(owner),
                   .subject = {},
                   .roles = {"user"},
                   .scopes = {"a:read"},
                   .expires_at = now + hours(24)};
        at += seconds(1);
        return run_to_end(keys->create(key, at)).value();
    }
    std::string_view recognise(std::string_view text, SystemTime when = now) {
        const auto found = run_to_end(keys->recognise(std::string(text), when));
        return found ? "" : found.error().reason;
    }

    std::shared_ptr<const ApiKeyHasher> hasher =
        std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32));
    std::optional<KeyRepository> keys;
    SystemTime at = now;
};
INSTANTIATE_TEST_SUITE_P(Engines, KeyRepositoryTest, storage::both_engines, storage::engine_name);

TEST_P(KeyRepositoryTest, OneOwnerHasNoMoreLivingKeysThanTheyMay) {
    // What a thousand requests would have made, in one transaction.
    static constexpr storage::Statement insert{
        .name = "t.insert",
        .sql =
            "INSERT INTO api_keys (id, hash, name, owner, subject, kind, roles, scopes, "
            "expires_at, "
            "created_at, updated_at) VALUES ($1, $2, 'k', 'gast', 'gast', 'api_key', 'guest', '', "
            "$3, $4, $4)"};
    auto fill = [](storage::Session& session) -> Task<Result<void>> {
        for (std::int64_t i = 0; i < keys_of_owner_max; ++i) {
            const auto id = "k" + std::to_string(i);
            storage::Blob hash{std::string(32, 'h')};
            GH_CO_TRY_VOID(co_await session.execute(insert, id, hash, now + hours(1), now));
        }
        co_return Result<void>{};
    };
    ASSERT_TRUE(run_to_end(database->write(std::move(fill))));
    const NewKey wanted{.name = "one more", .owner = "gast", .roles = {"guest"}};
    const auto refused = run_to_end(keys->create(wanted, now));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "key.too_many");
    EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
    EXPECT_NE(create("other", "ann").text, "") << "the others are not concerned";
    ASSERT_TRUE(run_to_end(keys->revoke("k7", now)));
    EXPECT_TRUE(run_to_end(keys->create(wanted, now))) << "one has ended";
    EXPECT_FALSE(run_to_end(keys->create(wanted, now)));
    EXPECT_TRUE(run_to_end(keys->create(wanted, now + hours(1)))) << "the others have expired";
}

TEST_P(KeyRepositoryTest, RecognisesTheKeyItMadeAndNoOther) {
    const auto made = create();
    EXPECT_TRUE(made.text.starts_with("gh_" + made.key.id + "_"));
    const auto principal = run_to_end(keys->recognise(made.text, now)).value();
    EXPECT_EQ(principal->subject, made.key.id);
    EXPECT_EQ(principal->token_id, made.key.id);
    EXPECT_EQ(principal->role, access::Role::user);
    EXPECT_EQ(principal->scopes, std::vector<std::string>{"a:read"});

    auto other = made.text;
    other.back() = other.back() == 'A' ? 'B' : 'A';
    EXPECT_NE(recognise(other), "");
    EXPECT_EQ(recognise(""), "key.malformed");
    EXPECT_EQ(recognise(generate_api_key("0123456789abcdef").value()), "key.unknown");
    EXPECT_EQ(recognise(made.text, now + hours(24)), "key.expired");
}

TEST_P(KeyRepositoryTest, TheSecretIsNowhereInTheDatabase) {
    const auto made = create();
    const auto secret = made.text.substr(std::string{"gh_"}.size() + made.key.id.size() + 1);
    ASSERT_GE(secret.size(), 32);
    database.reset();
    for (const auto& file : std::filesystem::directory_iterator(folder.path)) {
        std::ifstream in(file.path(), std::ios::binary);
        const std::string content{std::istreambuf_iterator<char>(in), {}};
        EXPECT_EQ(content.find(secret), std::string::npos) << file.path();
    }
}

TEST_P(KeyRepositoryTest, RotatingEndsTheOldSecret) {
    const auto made = create();
    const auto rotated = run_to_end(keys->rotate(made.key.id, made.key.version, now)).value();
    EXPECT_EQ(rotated.key.id, made.key.id);
    EXPECT_EQ(recognise(made.text), "key.unknown");
    EXPECT_EQ(recognise(rotated.text), "");
    EXPECT_EQ(run_to_end(keys->rotate(made.key.id, made.key.version, now)).error().reason,
              "key.changed");
    EXPECT_EQ(run_to_end(keys->rotate("no such'id", {}, now)).error().reason, "key.unknown");
}

TEST_P(KeyRepositoryTest, RevokingIsForGood) {
    const auto made = create();
    const auto when = made.key.created_at + seconds(1);
    EXPECT_EQ(run_to_end(keys->revoke(made.key.id, when))->revoked_at, when);
    EXPECT_EQ(run_to_end(keys->revoke(made.key.id, when + hours(1)))->revoked_at, when);
    EXPECT_EQ(recognise(made.text), "key.revoked");
    EXPECT_EQ(run_to_end(keys->rotate(made.key.id, {}, now)).error().reason, "key.revoked");
    EXPECT_EQ(run_to_end(keys->revoke("0000000000000000", now)).error().reason, "key.unknown");
}

TEST_P(KeyRepositoryTest, EndingASecretIsRecordedForOtherNodesAndSparesTheNextOne) {
    RevocationRepository revocations(*database);
    const auto made = create(), other = create();
    const auto principal_of = [&](const std::string& text) {
        return run_to_end(keys->recognise(text, now)).value();
    };
    const auto before = principal_of(made.text), spared = principal_of(other.text);
    // By a node whose clock is behind: what it ends is over all the same.
    const auto rotated = run_to_end(keys->rotate(made.key.id, {}, now - hours(1))).value();
    const auto after = principal_of(rotated.text);

    auto recorded = run_to_end(revocations.list(now - hours(1), now)).value();
    ASSERT_EQ(recorded.size(), 1U);
    RevocationSource elsewhere, here;
    elsewhere.add(recorded, now);
    here.add({end_of_key(rotated.key)}, now);
    for (const auto* source : {&elsewhere, &here}) {
        EXPECT_TRUE(source->covers(*before));
        EXPECT_FALSE(source->covers(*after));
        EXPECT_FALSE(source->covers(*spared));
    }

    const auto revoked = run_to_end(keys->revoke(made.key.id, now - hours(1))).value();
    ASSERT_TRUE(run_to_end(keys->revoke(made.key.id, now)));
    recorded = run_to_end(revocations.list(now - hours(1), now)).value();
    ASSERT_EQ(recorded.size(), 2U);  // the second time changed nothing
    elsewhere.add(recorded, now);
    EXPECT_TRUE(elsewhere.covers(*after));
    EXPECT_FALSE(elsewhere.covers(*spared));
}

TEST_P(KeyRepositoryTest, ASecretEndsWithTheTransactionOrNotAtAll) {
    RevocationRepository revocations(*database);
    const auto made = create();
    const auto change_of_mind = [](storage::Session&, const StoredKey&) -> Task<Result<void>> {
        co_return fail(ErrorKind::conflict, "test.changed_its_mind");
    };
    EXPECT_FALSE(
        run_to_end(keys->revoke(made.key.id, now, {.before = {}, .after = change_of_mind})));
    EXPECT_EQ(recognise(made.text), "");
    EXPECT_TRUE(run_to_end(revocations.list(now, now))->empty());
}

TEST_P(KeyRepositoryTest, IsOutWhileItsOwnerOrWhoItStandsForIsKeptOut) {
    UserRepository users(*database);
    const auto of_ann = create("hers", "Ann");
    const auto for_ann =
        run_to_end(keys->create({.name = "a robot's", .owner = "bob", .subject = "ann"}, now))
            .value();
    const auto of_bob = create("his", "bob");
    const auto ann =
        run_to_end(users.create({.name = "ANN", .email = {}, .roles = {"user"}}, now)).value();
    EXPECT_EQ(recognise(of_ann.text), "");
    ASSERT_TRUE(run_to_end(users.change(ann.id, {.disabled = true}, now)));
    EXPECT_EQ(recognise(of_ann.text), "key.owner_disabled");
    EXPECT_EQ(recognise(for_ann.text), "key.owner_disabled");
    EXPECT_EQ(recognise(of_bob.text), "");
    ASSERT_TRUE(run_to_end(users.change(ann.id, {.disabled = false}, now)));
    EXPECT_EQ(recognise(of_ann.text), "");
}

TEST_P(KeyRepositoryTest, TakesOverAKeyMadeElsewhereOnce) {
    const std::string text = "3f1d7a9c5e2b8046d1c3f5a7092e4b68";
    const auto take = [&] {
        return run_to_end(keys->take_over(
            text, {.name = "inherited", .owner = "environment", .roles = {"user"}}, now));
    };
    EXPECT_EQ(recognise(text), "key.unknown");
    EXPECT_EQ(take(), true);
    EXPECT_EQ(take(), false);
    EXPECT_EQ(recognise(text), "");
    EXPECT_EQ(recognise(text + "x"), "key.unknown");
    const auto all = run_to_end(keys->list({})).value();
    ASSERT_EQ(all.size(), 1U);
    ASSERT_TRUE(run_to_end(keys->revoke(all[0].id, now)));
    EXPECT_EQ(
        run_to_end(keys->clean(now + std::chrono::hours(24), now + std::chrono::hours(24))).value(),
        0U);
    EXPECT_EQ(take(), false);
    EXPECT_EQ(recognise(text), "key.revoked");
    EXPECT_FALSE(run_to_end(keys->take_over("short", {.name = "x", .owner = "y"}, now)));
}

TEST_P(KeyRepositoryTest, ListsByOwnerInPages) {
    for (int i = 0; i < 5; ++i) create("key" + std::to_string(i), i % 2 == 0 ? "ann" : "bob");
    const auto first = run_to_end(keys->list({.limit = 2, .after = {}, .owner = "ann"})).value();
    ASSERT_EQ(first.size(), 2U);
    const auto rest =
        run_to_end(keys->list({.limit = 2,
                               .after = KeyPage::After{first[1].created_at, first[1].id},
                               .owner = "ann"}))
            .value();
    ASSERT_EQ(rest.size(), 1U);
    EXPECT_EQ(rest[0].name, "key4");
    EXPECT_EQ(run_to_end(keys->list({.limit = 50, .after = {}, .owner = {}}))->size(), 5U);
    for (const auto& owner : {std::optional<std::string>{}, std::optional<std::string>{"ann"}}) {
        std::vector<std::string> names;
        KeyPage page{.newest_first = true, .limit = 2, .after = {}, .owner = owner};
        for (int i = 0; i < 5; ++i) {
            const auto found = run_to_end(keys->list(page)).value();
            for (const auto& key : found) names.push_back(key.name);
            if (found.size() < 2) break;
            page.after = {found.back().created_at, found.back().id};
        }
        const auto wanted = owner
                                ? std::vector<std::string>{"key4", "key2", "key0"}
                                : std::vector<std::string>{"key4", "key3", "key2", "key1", "key0"};
        EXPECT_EQ(names, wanted);
    }
}

TEST_P(KeyRepositoryTest, LastUseOnlyMovesForward) {
    const auto one = create(), other = create();
    ASSERT_TRUE(run_to_end(keys->touch({{one.key.id, now + seconds(5)}, {other.key.id, now}})));
    ASSERT_TRUE(run_to_end(keys->touch({{one.key.id, now}, {"gone", now}})));
    EXPECT_EQ(run_to_end(keys->find(one.key.id))->last_used_at, now + seconds(5));
    EXPECT_EQ(run_to_end(keys->find(other.key.id))->last_used_at, now);
}

TEST_P(KeyRepositoryTest, RefusesWhatWouldMeanSomethingElseLater) {
    struct Case {
        NewKey key;
        std::string_view reason;
    };
    const NewKey good{
        .name = "n", .owner = "ann", .subject = {}, .roles = {}, .scopes = {}, .expires_at = {}};
    const auto with = [&](auto change) {
        auto key = good;
        change(key);
        return key;
    };
    const Case cases[] = {
        {with([](NewKey& k) { k.name = ""; }), "key.name"},
        {with([](NewKey& k) { k.name = "two\nlines"; }), "key.name"},
        {with([](NewKey& k) { k.roles = {"user,admin"}; }), "key.role"},
        {with([](NewKey& k) { k.scopes = {"a b"}; }), "key.scope"},
        {with([](NewKey& k) { k.subject = " x"; }), "key.subject"},
        {with([](NewKey& k) { k.expires_at = now; }), "key.expired"},
    };
    for (const auto& c : cases) {
        const auto made = run_to_end(keys->create(c.key, now));
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().reason, c.reason);
    }
}

TEST_P(KeyRepositoryTest, CleansWhatIsOverAndNothingElse) {
    const auto expired = create(), revoked = create();
    NewKey forever{
        .name = "f", .owner = "ann", .subject = {}, .roles = {}, .scopes = {}, .expires_at = {}};
    const auto kept = run_to_end(keys->create(forever, now)).value();
    ASSERT_TRUE(run_to_end(keys->revoke(revoked.key.id, now)));
    EXPECT_EQ(run_to_end(keys->clean(now + hours(48), now + hours(48))), 2U);
    EXPECT_TRUE(run_to_end(keys->find(kept.key.id)));
}

TEST_P(KeyRepositoryTest, AKeyIsNothingThatItsMakerIsNoMore) {
    UserRepository users(*database);
    NewUser boss{.name = "boss", .email = {}, .roles = {"admin"}, .password_hash = {}};
    ASSERT_TRUE(run_to_end(users.create(boss, now)));
    NewUser ann{.name = "Ann", .email = {}, .roles = {"manager"}, .password_hash = {}};
    const auto id = run_to_end(users.create(ann, now)).value().id;
    NewKey wide{.name = "wide", .owner = "Ann", .roles = {"manager", "user"}};
    NewKey narrow{.name = "narrow", .owner = "Ann", .scopes = {"users:read", "payments"}};
    NewKey shells{.name = "shell's", .owner = "", .roles = {"manager"}};
    std::vector<std::string> texts;
    for (const auto& key : {wide, narrow, shells})
        texts.push_back(run_to_end(keys->create(key, now)).value().text);
    const auto held = [&](std::size_t which) {
        const auto found = run_to_end(keys->recognise(texts[which], now)).value();
        const bool reads = access::permissions_of(*found, {}).has(access::Permission::users_read);
        return std::pair(found->roles_text, reads);
    };
    EXPECT_EQ(held(0), std::pair(std::string("manager,user"), true));
    EXPECT_EQ(held(1), std::pair(std::string(), true));
    UserChange demoted{.roles = std::vector<std::string>{"user"}};
    ASSERT_TRUE(run_to_end(users.change(id, demoted, now)));
    EXPECT_EQ(held(0), std::pair(std::string("user"), false));
    EXPECT_EQ(held(1), std::pair(std::string(), false));
    EXPECT_EQ(held(2), std::pair(std::string("manager"), true));
    UserChange bare{.roles = std::vector<std::string>{}};
    ASSERT_TRUE(run_to_end(users.change(id, bare, now)));
    EXPECT_EQ(held(0).first, "");
}

TEST_P(KeyRepositoryTest, KeepingAUserOutEndsWhatIsOpenByTheirKeys) {
    UserRepository users(*database);
    NewUser ann{.name = "Ann", .email = {}, .roles = {"user"}, .password_hash = {}};
    const auto id = run_to_end(users.create(ann, now)).value().id;
    const auto hers = create("hers", "Ann"), others = create("others", "bob");
    NewKey for_her{.name = "for her", .owner = "bob", .subject = "ann", .roles = {"user"}};
    const auto stands = run_to_end(keys->create(for_her, now)).value();
    const auto principal_of = [&](const MadeKey& made) {
        return run_to_end(keys->recognise(made.text, now)).value();
    };
    const auto open_one = principal_of(hers), open_two = principal_of(stands),
               open_three = principal_of(others);
    const auto change = [&](bool disabled) {
        ASSERT_TRUE(run_to_end(users.change(id, {.disabled = disabled}, now + seconds(60))));
    };
    change(true);
    RevocationSource source;
    RevocationRepository revocations(*database);
    source.add(run_to_end(revocations.list(now, now + seconds(61))).value(), now + seconds(61));
    EXPECT_TRUE(source.covers(*open_one));
    EXPECT_TRUE(source.covers(*open_two));
    EXPECT_FALSE(source.covers(*open_three));
    change(false);
    EXPECT_FALSE(source.covers(*principal_of(hers))) << "they were let in again";
}

}  // namespace
}  // namespace gh::identity