#include "vault/transit/repository.hpp"

#include <optional>
#include <set>

#include "vault/rekey.hpp"
#include "vault/transit/testing.hpp"

namespace gh::vault::transit {
namespace {

using storage::run_to_end;

class TransitRepositoryTest : public TransitTest {
 protected:
    std::string secret(const std::string& name, std::uint32_t version = 0) {
        const auto key = open(name, {.first = version, .last = version});
        if (!key) return describe(key.error());
        if (key->versions.empty()) return "(none)";
        return std::string(crypto::text_of(key->versions.front().material->packed().bytes()));
    }
    /// Once over all; what did not open.
    std::vector<std::string> reseal() {
        Rekey rekey(*database, keyring_);
        std::vector<std::string> unopened;
        for (std::optional<RekeyPosition> at(std::in_place); at;) {
            auto step = run_to_end(rekey.step(*at, this->at(900)));
            EXPECT_TRUE(step);
            if (!step) break;
            unopened.insert(unopened.end(), step->unopened.begin(), step->unopened.end());
            at = std::move(step->next);
        }
        return unopened;
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, TransitRepositoryTest, storage::both_engines,
                         storage::engine_name);

TEST_P(TransitRepositoryTest, KeepsKeysOfEveryType) {
    for (int type = 0; type <= static_cast<int>(KeyType::hmac); ++type) {
        const auto each = static_cast<KeyType>(type);
        if (each == KeyType::rsa_3072 || each == KeyType::rsa_4096) continue;  // as 2048, and slow
        const auto name = "of-" + std::string(name_of(each));
        ASSERT_TRUE(create(name, each));
        const auto key = open(name);
        ASSERT_TRUE(key) << describe(key.error());
        EXPECT_EQ(key->facts.key.type, each);
        EXPECT_EQ(key->facts.latest, 1U);
        ASSERT_EQ(key->versions.size(), 1U);
        EXPECT_EQ(key->versions[0].material->pair() != nullptr, pair_of(each).has_value());
        EXPECT_GE(key->versions[0].material->hmac_key().size(), 32U);
    }
    EXPECT_EQ(run_to_end(keys().list())->size(), 9U);
    EXPECT_EQ(reason(create("")), "transit.name");
    EXPECT_EQ(reason(create("a/b")), "transit.name");
    EXPECT_EQ(reason(create("-a")), "transit.name");
    EXPECT_EQ(reason(create(std::string(129, 'a'))), "transit.name");
    EXPECT_TRUE(create(std::string(128, 'a')));
    EXPECT_EQ(reason(open("other")), "transit.unknown");
}

TEST_P(TransitRepositoryTest, MakesAKeyOnce) {
    ASSERT_TRUE(create("a"));
    const auto first = secret("a");
    const auto again = create("a", KeyType::ed25519);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->was_there);
    EXPECT_EQ(again->facts.key.type, KeyType::aes256_gcm96);
    EXPECT_EQ(secret("a"), first);
}

TEST_P(TransitRepositoryTest, AddsVersionsAndTrimsThem) {
    ASSERT_TRUE(create("a"));
    const auto first = secret("a");
    ASSERT_TRUE(rotate("a"));
    ASSERT_TRUE(rotate("a"));
    EXPECT_EQ(secret("a", 1), first);
    EXPECT_EQ(open("a")->versions.size(), 3U);
    EXPECT_EQ(open("a", {})->versions.size(), 1U);
    EXPECT_EQ(open("a", {.first = 7, .last = 9})->versions.size(), 0U);
    EXPECT_EQ(reason(run_to_end(keys().trim("a", 2))), "transit.settings");
    EXPECT_EQ(reason(configure("a", {.min_decryption = 4})), "transit.settings");
    EXPECT_EQ(reason(configure("a", {.min_decryption = 3, .min_encryption = 2})),
              "transit.settings");
    ASSERT_TRUE(configure("a", {.min_decryption = 2, .min_encryption = 3}));
    EXPECT_EQ(reason(run_to_end(keys().trim("a", 3))), "transit.settings");
    EXPECT_EQ(reason(run_to_end(keys().trim("a", 0))), "transit.settings");
    ASSERT_TRUE(run_to_end(keys().trim("a", 2)));
    EXPECT_EQ(secret("a", 1), "(none)");
    EXPECT_EQ(open("a")->versions.size(), 2U);
    EXPECT_EQ(reason(run_to_end(keys().trim("a", 1))), "transit.settings");
    EXPECT_EQ(reason(configure("a", {.min_decryption = 1})), "transit.settings");
}

TEST_P(TransitRepositoryTest, HasAThousandVersionsAtATime) {
    ASSERT_TRUE(create("a"));
    ASSERT_TRUE(sql("UPDATE transit_keys SET latest_version = 999"));
    ASSERT_TRUE(rotate("a"));
    const auto full = rotate("a");
    EXPECT_EQ(reason(full), "transit.too_many");
    EXPECT_EQ(reason(check_rotation(open("a")->facts)), "transit.too_many");
    ASSERT_TRUE(configure("a", {.min_decryption = 1'000, .min_encryption = 1'000}));
    EXPECT_EQ(reason(rotate("a")), "transit.too_many") << "they are there still";
    ASSERT_TRUE(run_to_end(keys().trim("a", 1'000)));
    ASSERT_TRUE(rotate("a"));
    EXPECT_EQ(open("a")->facts.latest, 1'001U);
    ASSERT_TRUE(configure("a", {.becomes_exportable = true}));
    EXPECT_EQ(open("a")->versions.size(), 2U) << "all of them are sealed anew";
}

TEST_P(TransitRepositoryTest, ShowsWhatThereIs) {
    ASSERT_TRUE(create("a", KeyType::ed25519) && create("b"));
    for (const auto* name : {"a", "a", "b"}) ASSERT_TRUE(rotate(name));
    ASSERT_TRUE(
        sql("UPDATE transit_versions SET sealed = (SELECT sealed FROM transit_versions "
            "WHERE name = 'a' AND version = 2) WHERE version = 1"));
    EXPECT_EQ(reason(open("a")), "barrier.open");
    const auto shown = run_to_end(keys().show("a"));
    ASSERT_TRUE(shown) << describe(shown.error());
    ASSERT_EQ(shown->versions.size(), 3U);
    EXPECT_EQ(shown->versions[0].material, nullptr);
    EXPECT_NE(shown->versions[1].material, nullptr);
    EXPECT_NE(shown->versions[2].material, nullptr);
    ASSERT_TRUE(configure("a", {.min_decryption = 2}));
    EXPECT_EQ(run_to_end(keys().show("a"))->versions.front().version, 2U);
    const auto other = run_to_end(keys().show("b"));
    ASSERT_TRUE(other) << "of which nothing is opened";
    ASSERT_EQ(other->versions.size(), 2U);
    EXPECT_EQ(other->versions[1].material, nullptr);
    EXPECT_EQ(reason(run_to_end(keys().show("c"))), "transit.unknown");
}

TEST_P(TransitRepositoryTest, IsRotatedByOneWhoKnowsItsLatestVersion) {
    ASSERT_TRUE(create("a"));
    const auto before = run_to_end(keys().find("a")).value();
    ASSERT_TRUE(rotate("a"));
    const auto late = [&] {
        return reason(run_to_end(
            keys().rotate(before, Material::generate(before.key.type, 0), at(++clock_))));
    };
    EXPECT_EQ(late(), "transit.changed");
    ASSERT_TRUE(configure("a", {.deletion_allowed = true}));
    ASSERT_TRUE(run_to_end(keys().remove("a")));
    EXPECT_EQ(late(), "transit.unknown");
    ASSERT_TRUE(create("a"));
    EXPECT_EQ(late(), "transit.changed") << "the same version of another key";
}

TEST_P(TransitRepositoryTest, IsDeletedWhereThatIsAllowed) {
    ASSERT_TRUE(create("a"));
    EXPECT_EQ(reason(run_to_end(keys().remove("a"))), "transit.deletion");
    ASSERT_TRUE(configure("a", {.deletion_allowed = true}));
    ASSERT_TRUE(run_to_end(keys().remove("a")));
    EXPECT_EQ(reason(run_to_end(keys().remove("a"))), "transit.unknown");
    EXPECT_TRUE(run_to_end(keys().list())->empty());
}

TEST_P(TransitRepositoryTest, OpensNothingThatSomebodyMovedOrChanged) {
    ASSERT_TRUE(create("a") && create("b") && create("c") && create("d") && create("e"));
    ASSERT_TRUE(rotate("a"));
    ASSERT_TRUE(
        sql("UPDATE transit_versions SET sealed = (SELECT sealed FROM transit_versions WHERE "
            "name = 'a' AND version = 1) WHERE name = 'a' AND version = 2;"
            "UPDATE transit_versions SET sealed = (SELECT sealed FROM transit_versions WHERE "
            "name = 'a' AND version = 1) WHERE name = 'b';"
            "UPDATE transit_keys SET exportable = NOT exportable WHERE name = 'c';"
            "UPDATE transit_keys SET type = 'chacha20-poly1305' WHERE name = 'd';"
            "UPDATE transit_keys SET derived = NOT derived WHERE name = 'e'"));
    EXPECT_TRUE(open("a", {.first = 1, .last = 1}));
    EXPECT_EQ(reason(open("a", {.first = 2, .last = 2})), "barrier.open");
    for (const auto* name : {"b", "c", "d", "e"}) EXPECT_EQ(reason(open(name)), "barrier.open");
    // Nor is it made exportable, which would seal it anew as it is.
    EXPECT_EQ(reason(configure("d", {.becomes_exportable = true})), "barrier.open");
    const auto unopened = reseal();
    EXPECT_TRUE(unopened.empty()) << "an older key sealed none of them";
}

TEST_P(TransitRepositoryTest, BecomesExportableWithAllItsVersions) {
    ASSERT_TRUE(create("a"));
    ASSERT_TRUE(rotate("a"));
    const auto first = secret("a", 1), second = secret("a", 2);
    ASSERT_TRUE(configure("a", {.becomes_exportable = true}));
    EXPECT_TRUE(open("a")->facts.key.exportable);
    EXPECT_EQ(secret("a", 1), first);
    EXPECT_EQ(secret("a", 2), second);
    ASSERT_TRUE(configure("a", {}));
    EXPECT_TRUE(open("a")->facts.key.exportable) << "for good";
}

TEST_P(TransitRepositoryTest, IsSealedAnewBehindTheSecrets) {
    ASSERT_TRUE(put("s", "value"));
    const int versions = static_cast<int>(Rekey::values_at_once) + 5;
    ASSERT_TRUE(create("a") && create("b"));
    for (int i = 1; i < versions; ++i) ASSERT_TRUE(rotate("a"));
    const auto first = secret("a", 1), last = secret("b");
    ASSERT_TRUE(
        sql("UPDATE transit_versions SET sealed = (SELECT sealed FROM transit_versions "
            "WHERE name = 'a' AND version = 1) WHERE name = 'a' AND version = 3"));
    Rekey rekey(*database, keyring_);
    ASSERT_EQ(run_to_end(rekey.begin(at(900))), 2U);
    EXPECT_EQ(run_to_end(rekey.state())->waiting, static_cast<std::uint64_t>(versions) + 2);
    // Cut short after some: the old data key stays, and all opens.
    RekeyPosition behind_secrets;
    behind_secrets.in_transit = true;
    ASSERT_TRUE(run_to_end(rekey.step(behind_secrets, at(900))));
    ASSERT_TRUE(run_to_end(rekey.finish()));
    EXPECT_EQ(secret("a", 1), first);
    EXPECT_EQ(secret("b"), last);
    const auto unopened = reseal();
    ASSERT_EQ(unopened.size(), 1U);
    EXPECT_NE(unopened.front().find("version 3 of transit/keys/a"), std::string::npos);
    EXPECT_EQ(run_to_end(rekey.state())->waiting, 1U);
    EXPECT_EQ(run_to_end(rekey.finish()), 0U) << "what does not open keeps its key";
    ASSERT_TRUE(sql("DELETE FROM transit_versions WHERE version = 3"));
    EXPECT_EQ(run_to_end(rekey.finish()), 1U);
    EXPECT_EQ(secret("a", 1), first);
    EXPECT_EQ(secret("b"), last);
    EXPECT_EQ(value("s"), "value");
}

TEST_P(TransitRepositoryTest, SaysWhichKeysAreDue) {
    NewKey hourly;
    hourly.name = "hourly";
    hourly.auto_rotate = std::chrono::hours(1);
    ASSERT_TRUE(create(hourly) && create("never"));
    const auto made = run_to_end(keys().find("hourly"))->rotated_at;
    const auto due = [&](SystemTime now) { return run_to_end(keys().due(now))->size(); };
    EXPECT_EQ(due(made + seconds(3'599)), 0U);
    EXPECT_EQ(due(made + seconds(3'600)), 1U);
    ASSERT_TRUE(sql(
        "INSERT INTO transit_keys SELECT 'above', 'other-id', 'of-tomorrow', key_bytes, derived, "
        "exportable, deletion_allowed, auto_rotate_seconds, latest_version, "
        "min_decryption_version, min_encryption_version, min_available_version, "
        "created_at, rotated_at FROM transit_keys WHERE name = 'hourly'"));
    EXPECT_EQ(due(made + seconds(3'600)), 1U) << "the others";
    ASSERT_TRUE(run_to_end(keys().rotate(run_to_end(keys().find("hourly")).value(),
                                         Material::generate(KeyType::aes256_gcm96, 0),
                                         made + seconds(3'600))));
    EXPECT_EQ(due(made + seconds(3'601)), 0U);
    ASSERT_TRUE(configure("hourly", {.auto_rotate = seconds(0)}));
    EXPECT_EQ(due(made + std::chrono::days(9)), 0U);
    EXPECT_EQ(reason(configure("hourly", {.auto_rotate = seconds(3'599)})), "transit.settings");
    hourly.name = "too-often";
    hourly.auto_rotate = seconds(59);
    EXPECT_EQ(reason(create(hourly)), "transit.settings");
}

}  // namespace
}  // namespace gh::vault::transit
