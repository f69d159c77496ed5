#include "vault/secret_repository.hpp"

#include <gtest/gtest.h>

#include "vault/rekey.hpp"
#include "vault/secret_testing.hpp"

namespace gh::vault {
namespace {

using storage::run_to_end;
using Names = std::vector<std::string>;

class SecretRepositoryTest : public SecretsTest {
 protected:
    void sql(const std::string& text) {
        auto work = [text](storage::Session& session) { return session.script(text); };
        const auto done = run_to_end(database->write(std::move(work)));
        ASSERT_TRUE(done) << describe(done.error());
    }
    std::int64_t number(std::string_view text) {
        const storage::Statement statement{.name = "test.number", .sql = text};
        return run_to_end(database->query(statement)).value()[0].integer(0);
    }
    /// How many statements have looked for rows.
    std::uint64_t readings() {
        return registry
            .histogram({.name = "database_query_duration_seconds",
                        .help = "Time of a statement, by its kind.",
                        .labels = {"kind"}})
            .with({"select"})
            .count();
    }
    Rekey rekey() { return {*database, keyring_}; }
    RekeyStep step(Rekey rekey, RekeyPosition after = {}) {
        auto done = run_to_end(rekey.step(std::move(after), at(900)));
        EXPECT_TRUE(done) << describe(done.error());
        return done ? *std::move(done) : RekeyStep{};
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, SecretRepositoryTest, storage::both_engines,
                         storage::engine_name);

TEST_P(SecretRepositoryTest, KeepsVersionsAndNothingInPlain) {
    const auto first = put("team/database", "hunter2");
    ASSERT_TRUE(first) << describe(first.error());
    EXPECT_EQ(first->versions, std::vector<std::uint64_t>{1});
    ASSERT_TRUE(put("team/database", "hunter3"));
    EXPECT_EQ(value("team/database"), "hunter3");
    EXPECT_EQ(value("team/database", 1), "hunter2");
    const auto opened = get("team/database");
    EXPECT_EQ(opened->version.version, 2U);
    EXPECT_EQ(opened->version.key_id, 1U);
    EXPECT_EQ(opened->version.created_at, at(2));
    EXPECT_EQ(reason(get("team/database", 3)), "secret.unknown");
    EXPECT_EQ(reason(get("team")), "secret.unknown");
    EXPECT_EQ(reason(get("team/")), "secret.path");
    const storage::Statement all{.name = "test.all", .sql = "SELECT sealed FROM vault_versions"};
    const auto rows = run_to_end(database->query(all)).value();
    for (std::size_t i = 0; i < rows.size(); ++i)
        EXPECT_FALSE(rows[i].octets(0).contains("hunter"));
}

TEST_P(SecretRepositoryTest, OpensForTheNextProcessAndForNoOtherHouse) {
    ASSERT_TRUE(put("a", "1"));
    Keyring next(root()), other(crypto::Secret(std::string(32, 'x')));
    EXPECT_TRUE(run_to_end(SecretRepository(*database, next).get("a", 0)));
    SecretRepository foreign(*database, other);
    EXPECT_EQ(reason(run_to_end(foreign.get("a", 0))), "keyring.sealed");
    EXPECT_EQ(reason(run_to_end(foreign.put("b", crypto::Secret("2"), {}, at(9)))),
              "keyring.sealed");
}

TEST_P(SecretRepositoryTest, WritesOverWhatItKnowsOnly) {
    EXPECT_EQ(reason(put("a", "1", 1)), "secret.cas");
    ASSERT_TRUE(put("a", "1", 0));
    EXPECT_EQ(reason(put("a", "2", 0)), "secret.cas");
    ASSERT_TRUE(put("a", "2", 1));
    ASSERT_TRUE(run_to_end(secrets().configure("a", {.cas_required = true}, at(9))));
    EXPECT_EQ(reason(put("a", "3")), "secret.cas_required");
    ASSERT_TRUE(put("a", "3", 2));
    EXPECT_EQ(value("a"), "3");
}

TEST_P(SecretRepositoryTest, LetsTheOldestVersionsGo) {
    ASSERT_TRUE(run_to_end(secrets().configure("a", {.max_versions = 2}, at(1))));
    EXPECT_EQ(reason(get("a")), "secret.unknown");
    for (const auto* each : {"1", "2", "3"}) ASSERT_TRUE(put("a", each));
    EXPECT_EQ(reason(get("a", 1)), "secret.unknown");
    EXPECT_EQ(value("a", 2), "2");
    for (std::uint32_t i = 0; i <= versions_kept; ++i) ASSERT_TRUE(put("b", "x"));
    const auto facts = run_to_end(secrets().facts("b"));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->current_version, versions_kept + 1);
    EXPECT_EQ(facts->versions.size(), versions_kept);
    EXPECT_EQ(facts->versions.front().version, 2U);
    const SecretSettings many{.max_versions = versions_kept_max + 1};
    EXPECT_EQ(reason(run_to_end(secrets().configure("a", many, at(1)))), "secret.versions");
}

TEST_P(SecretRepositoryTest, DeletesTakesBackDestroysAndForgets) {
    for (const auto* each : {"1", "2"}) ASSERT_TRUE(put("a", each));
    auto gone = run_to_end(secrets().remove("a", {}, at(5)));
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->versions, std::vector<std::uint64_t>{2});
    EXPECT_EQ(value("a"), "(none)");
    EXPECT_EQ(get("a")->version.deleted_at, at(5));
    EXPECT_EQ(value("a", 1), "1");
    ASSERT_TRUE(run_to_end(secrets().restore("a", {2}, at(6))));
    EXPECT_EQ(value("a"), "2");
    gone = run_to_end(secrets().destroy("a", {1, 7}, at(7)));
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->versions, std::vector<std::uint64_t>{1});
    EXPECT_EQ(value("a", 1), "(none)");
    EXPECT_FALSE(get("a", 1)->version.key_id);
    EXPECT_TRUE(run_to_end(secrets().restore("a", {1}, at(8)))->versions.empty());
    EXPECT_EQ(number("SELECT count(*) FROM vault_versions WHERE sealed IS NOT NULL"), 1);
    ASSERT_TRUE(run_to_end(secrets().forget("a", at(9))));
    EXPECT_EQ(reason(get("a")), "secret.unknown");
    EXPECT_EQ(reason(run_to_end(secrets().forget("a", at(9)))), "secret.unknown");
    EXPECT_EQ(reason(run_to_end(secrets().remove("a", {}, at(9)))), "secret.unknown");
    EXPECT_EQ(reason(run_to_end(secrets().destroy("a", {}, at(9)))), "secret.versions");
    EXPECT_EQ(put("a", "again")->versions, std::vector<std::uint64_t>{1});
}

TEST_P(SecretRepositoryTest, ListsNamesOfOneFolderPageByPage) {
    for (const auto* path : {"z", "team/a", "team/sub/1", "team/sub/2", "team/sub-2", "team/b",
                             "teams", "team", "a/b/c", "Ä"}) {
        ASSERT_TRUE(put(path, "x")) << path;
    }
    const auto list = [&](SecretPage page) { return run_to_end(secrets().list(page)).value(); };
    EXPECT_EQ(list({}), (Names{"a/", "team", "team/", "teams", "z", "Ä"}));
    EXPECT_EQ(list({.folder = "team/"}), (Names{"a", "b", "sub-2", "sub/"}));
    EXPECT_EQ(list({.folder = "team/sub/"}), (Names{"1", "2"}));
    EXPECT_TRUE(list({.folder = "nothing/"}).empty());
    for (const std::size_t limit : {1, 2, 3, 5}) {
        Names all;
        SecretPage page{.folder = {}, .after = {}, .limit = limit};
        for (int pages = 0; pages < 10; ++pages) {
            const auto some = list(page);
            EXPECT_LE(some.size(), limit);
            if (some.empty()) break;
            all.insert(all.end(), some.begin(), some.end());
            page.after = some.back();
        }
        EXPECT_EQ(all, list({})) << limit;
    }
    EXPECT_EQ(reason(run_to_end(secrets().list({.folder = "team"}))), "secret.path");
}

TEST_P(SecretRepositoryTest, ListsAlsoTheLastCharacterThereIs) {
    for (const auto* path : {"\xF4\x8F\xBF\xBFx", "\xF4\x8F\xBF\xBF/y", "a/\xF4\x8F\xBF\xBF"})
        ASSERT_TRUE(put(path, "x")) << path;
    EXPECT_EQ(run_to_end(secrets().list({})).value(),
              (Names{"a/", "\xF4\x8F\xBF\xBF/", "\xF4\x8F\xBF\xBFx"}));
    EXPECT_EQ(run_to_end(secrets().list({.folder = "a/"})).value(), Names{"\xF4\x8F\xBF\xBF"});
}

TEST_P(SecretRepositoryTest, ListsManyFoldersWithOneReadingForAThousandRows) {
    sql("INSERT INTO vault_secrets (path, current_version, created_at, updated_at) "
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999) "
        "SELECT (100000 + i / 2) || '/' || i, 0, 0, 0 FROM n");
    const auto before = readings();
    const auto names = run_to_end(secrets().list({.folder = {}, .after = {}, .limit = 10'000}));
    ASSERT_TRUE(names);
    ASSERT_EQ(names->size(), 1'500U);
    EXPECT_EQ(names->front(), "100000/");
    EXPECT_EQ(names->back(), "101499/");
    EXPECT_LE(readings() - before, 5U);
}

TEST_P(SecretRepositoryTest, ListsMoreThanOneReadingOfTheTable) {
    sql("INSERT INTO vault_secrets (path, current_version, created_at, updated_at) "
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499) "
        "SELECT 'many/' || (100000 + i), 0, 0, 0 FROM n");
    const auto names =
        run_to_end(secrets().list({.folder = "many/", .after = {}, .limit = 10'000}));
    ASSERT_TRUE(names);
    ASSERT_EQ(names->size(), 2'500U);
    EXPECT_EQ(names->back(), "102499");
    EXPECT_EQ(run_to_end(secrets().list({})).value(), Names{"many/"});
}

TEST_P(SecretRepositoryTest, NoticesWhatWasChangedOrMovedInTheDatabase) {
    ASSERT_TRUE(put("a", "1"));
    ASSERT_TRUE(put("a", "2"));
    ASSERT_TRUE(put("b", "3"));
    sql("UPDATE vault_versions SET sealed = (SELECT sealed FROM vault_versions WHERE path = 'b') "
        "WHERE path = 'a' AND version = 2");
    EXPECT_EQ(reason(get("a")), "barrier.open");
    sql("UPDATE vault_versions SET sealed = (SELECT sealed FROM vault_versions WHERE path = 'a' "
        "AND version = 1) WHERE path = 'a' AND version = 2");
    EXPECT_EQ(reason(get("a")), "barrier.open");
    EXPECT_EQ(value("a", 1), "1");
}

TEST_P(SecretRepositoryTest, BoundsWhatItTakes) {
    EXPECT_TRUE(put("a", std::string(secret_bytes_max, 'x')));
    EXPECT_EQ(reason(put("a", std::string(secret_bytes_max + 1, 'x'))), "secret.too_long");
    EXPECT_EQ(value("a").size(), secret_bytes_max);
    EXPECT_EQ(reason(put("a//b", "x")), "secret.path");
    ASSERT_TRUE(put("empty", ""));
    EXPECT_EQ(value("empty"), "");
}

// --- a change of the data key ---

TEST_P(SecretRepositoryTest, SealsAnewWhileOthersReadAndWrite) {
    const int values = static_cast<int>(Rekey::values_at_once) + 50;
    for (int i = 0; i < values; ++i) ASSERT_TRUE(put("s/" + std::to_string(i), std::to_string(i)));
    Keyring elsewhere(root());
    SecretRepository other(*database, elsewhere);
    ASSERT_TRUE(run_to_end(other.get("s/1", 0)));
    EXPECT_EQ(run_to_end(rekey().begin(at(900))), 2U);
    EXPECT_EQ(run_to_end(rekey().state())->waiting, static_cast<std::uint64_t>(values));
    // Another process hears of the key with its first write.
    ASSERT_TRUE(run_to_end(other.put("s/1", crypto::Secret("one"), {}, at(901))));
    EXPECT_EQ(get("s/1")->version.key_id, 2U);
    const auto first = step(rekey());
    EXPECT_EQ(first.sealed, std::uint64_t{Rekey::values_at_once});
    EXPECT_TRUE(first.next);
    EXPECT_EQ(value("s/0"), "0");
    EXPECT_EQ(value("s/99"), "99");
    // Killed here: what is left is gone on with, by whoever comes next.
    Keyring later(root());
    Rekey going_on(*database, later);
    EXPECT_EQ(run_to_end(going_on.state())->waiting, 50U);
    EXPECT_EQ(run_to_end(going_on.finish()), 0U) << "a key that opens something stays";
    const auto rest = step(going_on);
    EXPECT_EQ(rest.sealed, 50U);
    const auto none = step(going_on, *rest.next);
    EXPECT_EQ(none.sealed, 0U);
    EXPECT_FALSE(none.next);
    EXPECT_EQ(run_to_end(going_on.finish()), 1U);
    EXPECT_EQ(number("SELECT count(*) FROM vault_keys"), 1);
    for (int i = 2; i < values; ++i) ASSERT_EQ(value("s/" + std::to_string(i)), std::to_string(i));
    EXPECT_EQ(value("s/1", 1), "1");
    EXPECT_TRUE(run_to_end(other.get("s/5", 0)));
}

TEST_P(SecretRepositoryTest, SealsTheRestAnewWhenSomeDoNotOpenAndSaysWhich) {
    for (int i = 100; i < 160; ++i) ASSERT_TRUE(put("s/" + std::to_string(i), "x"));
    sql("UPDATE vault_versions SET sealed = (SELECT sealed FROM vault_versions WHERE path = "
        "'s/106') WHERE path = 's/105'");
    for (const KeyId key : {2U, 3U}) {  // and it stops none that comes later
        EXPECT_EQ(run_to_end(rekey().begin(at(900))), key);
        std::uint64_t sealed = 0;
        std::vector<std::string> unopened;
        for (std::optional<RekeyPosition> after(std::in_place); after;) {
            auto some = step(rekey(), *after);
            sealed += some.sealed;
            unopened.insert(unopened.end(), some.unopened.begin(), some.unopened.end());
            after = some.next;
        }
        EXPECT_EQ(sealed, 59U);
        ASSERT_EQ(unopened.size(), 1U);
        EXPECT_TRUE(unopened[0].starts_with("version 1 of s/105 does not open")) << unopened[0];
        EXPECT_TRUE(unopened[0].contains("gatehouse secrets delete s/105 --all"));
        ASSERT_TRUE(run_to_end(rekey().finish()));
        EXPECT_EQ(number("SELECT count(*) FROM vault_keys"), 2) << "its key stays, for it may be "
                                                                   "put right";
    }
    EXPECT_EQ(value("s/159"), "x");
    const auto moved = get("s/105");
    EXPECT_EQ(reason(moved), "barrier.open");
    EXPECT_TRUE(moved.error().detail.contains("version 1 of s/105"));
}

TEST_P(SecretRepositoryTest, SaysAtOnceWhenTheDatabaseIsAnotherHouses) {
    EXPECT_TRUE(run_to_end(keyring_.check(*database))) << "there is no key yet";
    ASSERT_TRUE(put("a", "1"));
    EXPECT_TRUE(run_to_end(keyring_.check(*database)));
    const Keyring other(crypto::Secret(std::string(32, 'x')));
    const auto foreign = run_to_end(other.check(*database));
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().reason, "keyring.sealed");
    EXPECT_EQ(foreign.error().kind, ErrorKind::corrupt) << "waiting mends it not";
    EXPECT_TRUE(foreign.error().detail.contains("another of its nodes"));
}

TEST_P(SecretRepositoryTest, OpensWithTheKeyThatTheDatabaseHasAlsoWhenItWasRestoredUnderIt) {
    ASSERT_TRUE(put("a", "1"));
    ASSERT_EQ(value("a"), "1");
    sql("DELETE FROM vault_secrets; DELETE FROM vault_keys;");
    Keyring elsewhere(root());
    SecretRepository other(*database, elsewhere);
    ASSERT_TRUE(run_to_end(other.put("b", crypto::Secret("2"), {}, at(9))));  // another key 1
    EXPECT_EQ(value("b"), "2");
}

TEST_P(SecretRepositoryTest, SealsWithTheKeyThatTheDatabaseHasAlsoWhenItWasRestoredUnderIt) {
    ASSERT_TRUE(put("a", "1"));
    ASSERT_EQ(value("a"), "1");
    sql("DELETE FROM vault_secrets; DELETE FROM vault_keys;");
    Keyring elsewhere(root());
    SecretRepository other(*database, elsewhere);
    ASSERT_TRUE(run_to_end(other.put("b", crypto::Secret("2"), {}, at(9))));  // another key 1
    ASSERT_TRUE(put("c", "3"));
    Keyring next(root());
    const auto opened = run_to_end(SecretRepository(*database, next).get("c", 0));
    ASSERT_TRUE(opened) << describe(opened.error());
    EXPECT_EQ(crypto::text_of(opened->value->bytes()), "3");
}

TEST_P(SecretRepositoryTest, AWriteThatIsUndoneLeavesNoKeyBehind) {
    storage::Also<SecretChange> fails{
        .before = {}, .after = [](storage::Session&, const SecretChange&) -> Task<Result<void>> {
            co_return fail(ErrorKind::unavailable, "test.audit");
        }};
    EXPECT_EQ(reason(run_to_end(secrets().put("a", crypto::Secret("1"), {}, at(1), fails))),
              "test.audit");
    EXPECT_EQ(number("SELECT count(*) FROM vault_keys"), 0);
    ASSERT_TRUE(put("a", "2"));
    Keyring next(root());
    EXPECT_TRUE(run_to_end(SecretRepository(*database, next).get("a", 0)));
}

}  // namespace
}  // namespace gh::vault
