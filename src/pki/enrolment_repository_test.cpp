#include "pki/enrolment_repository.hpp"

#include "storage/testing.hpp"

namespace gh::pki {
namespace {

using std::chrono::days;
using std::chrono::hours;
using storage::run_to_end;

const SystemTime now{seconds(1'750'000'000)};

class EnrolmentRepositoryTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        certificates.emplace(*database);
        enrolments.emplace(*database);
    }
    Enrolment add(std::optional<seconds> lifetime = {}) {
        at += seconds(1);
        LeafRequest wanted{.profile = Profile::client,
                           .names = {.dns = {"a.example"}, .uris = {"https://example.org/a"}},
                           .lifetime = lifetime};
        return run_to_end(enrolments->add(std::move(wanted), "ann", at, at + hours(1))).value();
    }
    IssuedCertificate issue() {
        return issuer.issue({.profile = Profile::client, .names = {.dns = {"a.example"}}}, at)
            .value();
    }
    Result<StoredCertificate> use(const Enrolment& enrolment, std::string key_id) {
        at += seconds(1);
        return run_to_end(enrolments->use(enrolment.id, std::move(key_id), issue(), at));
    }
    Result<StoredCertificate> renew(const Enrolment& enrolment, const StoredCertificate& shown) {
        at += seconds(1);
        return run_to_end(enrolments->renew(enrolment.id, shown.serial, issue(), at));
    }

    Authority issuer = Authority::create(RootRequest{}, now).value();
    std::optional<CertificateRepository> certificates;
    std::optional<EnrolmentRepository> enrolments;
    SystemTime at = now;
};
INSTANTIATE_TEST_SUITE_P(Engines, EnrolmentRepositoryTest, storage::both_engines,
                         storage::engine_name);

TEST_P(EnrolmentRepositoryTest, KeepsWhatWasAgreed) {
    const auto made = add(hours(12));
    const auto found = run_to_end(enrolments->find(made.id)).value();
    for (const auto* each : {&made, &found}) {
        EXPECT_EQ(each->wanted.profile, Profile::client);
        EXPECT_EQ(each->wanted.names.dns, std::vector<std::string>{"a.example"});
        EXPECT_EQ(each->wanted.names.uris, std::vector<std::string>{"https://example.org/a"});
        EXPECT_EQ(each->wanted.lifetime, hours(12));
        EXPECT_EQ(each->created_by, "ann");
        EXPECT_EQ(each->created_at, at);
        EXPECT_EQ(each->expires_at, at + hours(1));
        EXPECT_FALSE(each->used_at || each->ended_at);
        EXPECT_TRUE(each->key_id.empty() && each->serial.empty());
    }
    EXPECT_FALSE(add().wanted.lifetime);
    EXPECT_EQ(run_to_end(enrolments->find("none")).error().reason, "enrolment.unknown");
    const auto page = run_to_end(enrolments->list("", 1)).value();
    ASSERT_EQ(page.size(), 1U);
    EXPECT_EQ(page[0].id, made.id);
    EXPECT_NE(run_to_end(enrolments->list(made.id, 5)).value().at(0).id, made.id);
    EXPECT_EQ(run_to_end(enrolments->list("", 5, 1)).value().size(), 1U);
}

TEST_P(EnrolmentRepositoryTest, IsExchangedOnceAndAgainForTheSameKeyOnly) {
    const auto made = add();
    const auto first = use(made, "key 1").value();
    EXPECT_EQ(first.issued_to, holder_of(made));
    EXPECT_EQ(enrolment_of(first.issued_to), made.id);
    EXPECT_EQ(use(made, "key 1").value().serial, first.serial);
    EXPECT_EQ(use(made, "key 2").error().reason, "enrolment.used");
    EXPECT_EQ(run_to_end(certificates->list({})).value().size(), 1U);
    const auto after = run_to_end(enrolments->find(made.id)).value();
    EXPECT_EQ(after.serial, first.serial);
    EXPECT_EQ(after.key_id, "key 1");
    at += hours(1);
    EXPECT_EQ(use(made, "key 1").error().reason, "enrolment.expired");
    EXPECT_EQ(use(made, "key 2").error().reason, "enrolment.used");
    EXPECT_EQ(run_to_end(enrolments->use("none", "k", issue(), at)).error().reason,
              "enrolment.unknown");
}

TEST_P(EnrolmentRepositoryTest, ATokenEndsInTime) {
    const auto made = add();
    at += hours(1);
    EXPECT_EQ(use(made, "key").error().reason, "enrolment.expired");
    EXPECT_EQ(renew(made, use(add(), "key").value()).error().reason, "enrolment.unused");
    EXPECT_EQ(run_to_end(certificates->list({})).value().size(), 1U);
}

TEST_P(EnrolmentRepositoryTest, WhatWasRevokedIsNeitherGivenAgainNorRenewed) {
    const auto made = add();
    const auto first = use(made, "key").value();
    const auto second = renew(made, first).value();
    ASSERT_TRUE(run_to_end(
        certificates->revoke(first.serial, RevocationReason::key_compromise, {}, at, {})));
    EXPECT_EQ(use(made, "key").error().reason, "enrolment.superseded");
    EXPECT_EQ(renew(made, first).error().reason, "enrolment.superseded");
    EXPECT_TRUE(renew(made, second));
    at = second.not_after;
    EXPECT_EQ(renew(made, second).error().reason, "enrolment.superseded");
}

TEST_P(EnrolmentRepositoryTest, HasSoManyGoodOnesAtMost) {
    const auto made = add();
    const auto first = use(made, "key").value();
    auto last = first;
    for (std::int64_t i = 1; i < EnrolmentRepository::certificates_max; ++i)
        last = renew(made, last).value();
    EXPECT_EQ(renew(made, last).error().reason, "enrolment.many");
    ASSERT_TRUE(
        run_to_end(certificates->revoke(last.serial, RevocationReason::superseded, {}, at, {})));
    EXPECT_TRUE(renew(made, first));
    EXPECT_EQ(run_to_end(enrolments->end(made.id, at)).value().certificates.size(), 100U);
}

TEST_P(EnrolmentRepositoryTest, EndsWithAllThatCameOfIt) {
    const auto made = add(), other = add();
    const auto first = use(made, "key").value();
    const auto second = renew(made, first).value();
    const auto spared = use(other, "key").value();
    EXPECT_NE(first.serial, second.serial);
    at += seconds(1);
    const auto ended = run_to_end(enrolments->end(made.id, at)).value();
    EXPECT_EQ(ended.enrolment.ended_at, at);
    ASSERT_EQ(ended.certificates.size(), 2U);
    for (const auto& each : {first, second}) {
        const auto kept = run_to_end(certificates->find(each.serial)).value();
        EXPECT_EQ(kept.revoked_at, at);
        EXPECT_EQ(kept.reason, RevocationReason::privilege_withdrawn);
    }
    EXPECT_FALSE(run_to_end(certificates->find(spared.serial)).value().revoked_at);
    EXPECT_EQ(run_to_end(certificates->revoked(made.created_at, "")).value().size(), 2U);
    EXPECT_EQ(renew(made, first).error().reason, "enrolment.ended");
    EXPECT_EQ(use(made, "key").error().reason, "enrolment.ended");
    EXPECT_TRUE(run_to_end(enrolments->end(made.id, at + days(1))).value().certificates.empty());
    EXPECT_EQ(run_to_end(enrolments->end("none", at)).error().reason, "enrolment.unknown");
}

TEST_P(EnrolmentRepositoryTest, WhatIsOverAndHoldsNothingIsRemoved) {
    const auto unused = add(), used = add();
    const auto kept = use(used, "key").value();
    EXPECT_EQ(run_to_end(enrolments->clean(at)).value(), 0U);
    EXPECT_EQ(run_to_end(enrolments->clean(at + hours(2))).value(), 1U);
    EXPECT_EQ(run_to_end(enrolments->find(unused.id)).error().reason, "enrolment.unknown");
    EXPECT_TRUE(run_to_end(enrolments->find(used.id)));
    EXPECT_EQ(run_to_end(certificates->clean(kept.not_after + seconds(1))).value(), 1U);
    EXPECT_EQ(run_to_end(enrolments->clean(at + hours(2))).value(), 1U);
}

}  // namespace
}  // namespace gh::pki
