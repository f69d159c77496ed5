#include "pki/certificate_repository.hpp"

#include "audit/act.hpp"
#include "pki/issue.hpp"
#include "pki/room.hpp"
#include "pki/subject_names.hpp"
#include "storage/testing.hpp"

namespace gh::pki {
namespace {

using std::chrono::days;
using storage::run_to_end;

const SystemTime now{seconds(1'750'000'000)};

class CertificateRepositoryTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        certificates.emplace(*database);
    }
    IssuedCertificate issue(Profile profile = Profile::server, seconds lifetime = days(90)) {
        return issuer
            .issue({.profile = profile,
                    .common_name = "a.example",
                    .names = {.dns = {"a.example"},
                              .addresses = {"::1"},
                              .uris = {"https://example.org/a"}},
                    .lifetime = lifetime},
                   at)
            .value();
    }
    StoredCertificate add(Profile profile = Profile::server, seconds lifetime = days(90)) {
        at += seconds(1);
        return run_to_end(certificates->add(issue(profile, lifetime), "ann", at)).value();
    }
    std::vector<RevokedCertificate> revoked(SystemTime since = {}) {
        return run_to_end(certificates->revoked(since, "")).value();
    }

    Authority issuer = Authority::create(RootRequest{}, now).value();
    std::optional<CertificateRepository> certificates;
    SystemTime at = now;
};
INSTANTIATE_TEST_SUITE_P(Engines, CertificateRepositoryTest, storage::both_engines,
                         storage::engine_name);

TEST_P(CertificateRepositoryTest, KeepsWhatWasIssuedAndNoKey) {
    auto issued = issue();
    const auto kept = run_to_end(certificates->add(issued, "ann", now)).value();
    const auto found = run_to_end(certificates->find(issued.serial)).value();
    for (const auto* each : {&kept, &found}) {
        EXPECT_EQ(each->serial, issued.serial);
        EXPECT_EQ(each->issuer_key_id, issuer.key_id());
        EXPECT_EQ(each->common_name, "a.example");
        EXPECT_EQ(each->names, issued.names);
        EXPECT_EQ(each->profile, Profile::server);
        EXPECT_EQ(each->fingerprint, issued.fingerprint);
        EXPECT_EQ(each->chain_pem, issued.chain_pem);
        EXPECT_EQ(each->issued_to, "ann");
        EXPECT_EQ(each->not_before, issued.not_before);
        EXPECT_EQ(each->not_after, issued.not_after);
        EXPECT_EQ(each->created_at, now);
        EXPECT_EQ(each->revision, 1);
        EXPECT_FALSE(each->revoked_at || each->reason);
    }
    EXPECT_EQ(run_to_end(certificates->add(issued, "ann", now)).error().reason, "storage.unique");
    EXPECT_FALSE(run_to_end(certificates->add_once(issued, "ann", now)).value());
    EXPECT_TRUE(run_to_end(certificates->add_once(issue(), "ann", now)).value());
    EXPECT_EQ(run_to_end(certificates->find("00")).error().reason, "certificate.unknown");
}

TEST_P(CertificateRepositoryTest, RevokesOnceAndForAllAndTellsOthers) {
    const auto first = add();
    const auto second = add();
    EXPECT_TRUE(revoked().empty());
    const auto revoke = [this](const StoredCertificate& which, std::int64_t revision) {
        at += seconds(1);
        return run_to_end(
            certificates->revoke(which.serial, RevocationReason::superseded, revision, at, {}));
    };
    EXPECT_EQ(revoke(first, 2).error().reason, "certificate.changed");
    const auto ended = revoke(first, 1).value();
    EXPECT_EQ(ended.revoked_at, at);
    EXPECT_EQ(ended.reason, RevocationReason::superseded);
    EXPECT_EQ(ended.revision, 2);
    EXPECT_EQ(revoked(), std::vector{revoked_of(ended)});
    const auto again = run_to_end(certificates->revoke(
        first.serial, RevocationReason::key_compromise, {}, at + seconds(9), {}));
    EXPECT_EQ(again->revoked_at, ended.revoked_at) << "its end stays what it was";
    EXPECT_EQ(again->reason, RevocationReason::superseded);
    const auto later = revoke(second, 1).value();
    EXPECT_EQ(revoked(*ended.revoked_at + std::chrono::microseconds(1)),
              std::vector{revoked_of(later)});
    EXPECT_EQ(run_to_end(certificates->revoked(*ended.revoked_at, ended.serial)).value(),
              std::vector{revoked_of(later)})
        << "the next page begins behind the last of this one";
    EXPECT_EQ(run_to_end(certificates->revoke("00", {}, {}, at, {})).error().reason,
              "certificate.unknown");
}

TEST_P(CertificateRepositoryTest, AnActAndItsRecordAreOneTransaction) {
    const auto failing = storage::Also<StoredCertificate>{
        .before = {},
        .after = [](storage::Session&, const StoredCertificate&) -> Task<Result<void>> {
            co_return fail(ErrorKind::unavailable, "t.no");
        }};
    const auto issued = issue();
    EXPECT_EQ(run_to_end(certificates->add(issued, "ann", now, failing)).error().reason, "t.no");
    EXPECT_EQ(run_to_end(certificates->find(issued.serial)).error().reason, "certificate.unknown");
    const auto kept = add();
    EXPECT_EQ(run_to_end(certificates->revoke(kept.serial, {}, {}, at, failing)).error().reason,
              "t.no");
    EXPECT_TRUE(revoked().empty());
    auto told = audit::also<StoredCertificate>(audit::act_of_shell("certificate.revoke", "x"),
                                               tell_certificate);
    EXPECT_TRUE(run_to_end(certificates->revoke(kept.serial, {}, {}, at, std::move(told))));
    EXPECT_TRUE(run_to_end(certificates->revoke(kept.serial, {}, {}, at, failing)))
        << "the second time changes nothing, and there is nothing to tell";
}

TEST_P(CertificateRepositoryTest, ListsPageByPageInTheOrderOfMaking) {
    std::vector<std::string> serials;
    for (int i = 0; i < 5; ++i) serials.push_back(add().serial);
    std::vector<std::string> seen;
    CertificatePage page{.limit = 2};
    for (int i = 0; i < 3; ++i) {
        const auto some = run_to_end(certificates->list(page)).value();
        for (const auto& each : some) seen.push_back(each.serial);
        page.after = {some.back().created_at, some.back().serial};
    }
    EXPECT_EQ(seen, serials);
    EXPECT_EQ(run_to_end(certificates->list({.limit = 9, .offset = 3}))->front().serial,
              serials[3]);
}

TEST_P(CertificateRepositoryTest, CountsWhatEndsSoonUnlessItHasASuccessor) {
    add(Profile::client, days(3));
    add(Profile::infrastructure, days(90));
    const auto look = [this] {
        return run_to_end(certificates->expiring(at, at + days(14))).value();
    };
    EXPECT_EQ(look().valid, 2);
    EXPECT_EQ(look().expiring, 1);
    EXPECT_EQ(look().next_not_after, now + seconds(1) + days(3));
    const auto ending = [this] {
        return run_to_end(certificates->list({.limit = 9, .ending = {{at, at + days(14)}}}))
            .value();
    };
    ASSERT_EQ(ending().size(), 1U);
    EXPECT_TRUE(ending().front().chain_pem.empty());
    const auto other = issuer
                           .issue({.profile = Profile::client,
                                   .common_name = "a.example",
                                   .names = {.dns = {"a.example", "b.example"}},
                                   .lifetime = days(90)},
                                  at)
                           .value();
    const auto added = run_to_end(certificates->add(other, "ann", at)).value();
    EXPECT_EQ(look().expiring, 1) << "one with other names is no successor";
    ASSERT_TRUE(run_to_end(certificates->revoke(added.serial, {}, {}, at, {})));
    const auto renewed = add(Profile::client, days(90));
    EXPECT_EQ(ending().size(), 0U);
    EXPECT_EQ(look().valid, 3);
    EXPECT_EQ(look().expiring, 0);
    ASSERT_TRUE(run_to_end(certificates->revoke(renewed.serial, {}, {}, at, {})));
    EXPECT_EQ(look().valid, 2);
    EXPECT_EQ(look().expiring, 1) << "a revoked one is no successor";
    EXPECT_EQ(run_to_end(certificates->clean(now + days(4))).value(), 1U);
    EXPECT_EQ(look().valid, 1);
}

TEST(TextOfNames, IsReadAsItWasWritten) {
    const crypto::CertificateNames names{.dns = {"*.b.example", "a.example"},
                                         .addresses = {"192.0.2.1", "::1"},
                                         .uris = {"spiffe://example.org/a"}};
    const std::string text =
        "dns:*.b.example dns:a.example ip:192.0.2.1 ip:::1 uri:spiffe://example.org/a";
    EXPECT_EQ(text_of_names(names), text);
    EXPECT_EQ(text_of_names({.dns = {"a.example", "*.b.example"},
                             .addresses = {"::1", "192.0.2.1"},
                             .uris = names.uris}),
              text)
        << "the order does not count";
    EXPECT_EQ(names_of_text(text), names);
    EXPECT_EQ(names_of_text(""), crypto::CertificateNames{});
    EXPECT_EQ(names_of_text("mail:a  other"), crypto::CertificateNames{});
}

}  // namespace
}  // namespace gh::pki
