#include "gateway/worker.hpp"

#include <gtest/gtest.h>

#include "gateway/open_work.hpp"
#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

class Named final : public access::Revocations {
 public:
    explicit Named(std::string subject) : subject_(std::move(subject)) {}
    [[nodiscard]] bool covers(const access::Principal& principal) const override {
        return principal.subject == subject_;
    }

 private:
    std::string subject_;
};

std::shared_ptr<const access::Principal> somebody(std::string subject) {
    auto principal = std::make_shared<access::Principal>();
    principal->subject = std::move(subject);
    principal->revoked_by = access::RevokedBy::key_list;
    return principal;
}

TEST(Worker, EndsWhatThePrincipalsThatWereRevokedHaveOpenAndNothingElse) {
    FakeHouse house;
    auto& worker = house.worker;
    FakeDownstream clients[4] = {FakeDownstream(worker.loop), FakeDownstream(worker.loop),
                                 FakeDownstream(worker.loop), FakeDownstream(worker.loop)};
    Exchange open[4];
    const std::string_view subjects[] = {"ann", "bob", "ann", "ann"};
    for (std::size_t i = 0; i < 4; ++i) {
        open[i].begin(clients[i], worker, house.snapshot);
        open[i].principal = somebody(std::string(subjects[i]));
        worker.hold(open[i]);
    }
    open[3].end();  // it is over before anybody looks
    open[1].end();
    open[1].begin(clients[1], worker, house.snapshot);
    open[1].principal = somebody("bob");
    worker.hold(open[1]);

    EXPECT_EQ(worker.end_revoked(Named("ann")), 2U);
    EXPECT_EQ(worker.end_revoked(Named("ann")), 0U);  // once
    for (const std::size_t i : {0U, 2U}) {
        EXPECT_TRUE(open[i].revoked);
        EXPECT_EQ(open[i].ends_at, worker.loop.now());
        EXPECT_TRUE(clients[i].wakeup().expired());
    }
    EXPECT_FALSE(open[1].revoked);
    EXPECT_EQ(open[1].ends_at, SteadyTime::max());
    for (auto& exchange : open) {
        if (exchange.held) exchange.end();
    }
    EXPECT_EQ(worker.first_held, nullptr);
    EXPECT_FALSE(open[0].revoked);  // the next one begins anew
}

class OneSerial final : public access::CertificateRevocations {
 public:
    [[nodiscard]] bool covers_serial(std::string_view serial) const override {
        return serial == "0badc0ffee";
    }
    [[nodiscard]] bool covers_authority(std::string_view key_id) const override {
        return key_id == "5707e1";
    }
};

TEST(Worker, EndsWhatClientsHaveOpenWhoseCertificateWasRevokedWhoeverTheyAreBesides) {
    FakeHouse house;
    auto& worker = house.worker;
    FakeDownstream clients[3] = {FakeDownstream(worker.loop), FakeDownstream(worker.loop),
                                 FakeDownstream(worker.loop)};
    clients[0].facts.certificate = std::make_shared<const access::ClientCertificate>(
        access::ClientCertificate{.serial = "0badc0ffee"});
    clients[1].facts.certificate = std::make_shared<const access::ClientCertificate>(
        access::ClientCertificate{.serial = "0badc0ffef"});
    Exchange open[3];
    for (std::size_t i = 0; i < 3; ++i) {
        open[i].begin(clients[i], worker, house.snapshot);
        open[i].principal = somebody("ann");
        worker.hold(open[i]);
    }
    EXPECT_EQ(worker.end_uncertified(), 0U);
    const OneSerial revoked;
    house.services.revoked_certificates = &revoked;
    EXPECT_EQ(worker.end_uncertified(), 1U);
    EXPECT_EQ(worker.end_uncertified(), 0U);  // once
    EXPECT_TRUE(open[0].revoked);
    EXPECT_TRUE(clients[0].wakeup().expired());
    EXPECT_FALSE(open[1].revoked || open[2].revoked);
    for (auto& exchange : open) exchange.end();
}

TEST(OpenWork, IsThatOfOnePrincipalUntilItHasEndedByItself) {
    FakeHouse house;
    auto& worker = house.worker;
    FakeDownstream clients[3] = {FakeDownstream(worker.loop), FakeDownstream(worker.loop),
                                 FakeDownstream(worker.loop)};
    clients[2].facts.certificate = std::make_shared<const access::ClientCertificate>(
        access::ClientCertificate{.names = {"uri:spiffe://gatehouse.example/agent/a1"}});
    Exchange open[3];
    const std::string_view subjects[] = {"ann", "bob", "carl"};
    for (std::size_t i = 0; i < 3; ++i) {
        open[i].begin(clients[i], worker, house.snapshot);
        open[i].principal = somebody(std::string(subjects[i]));
        worker.hold(open[i]);
    }
    const access::Target ann{.type = access::PrincipalType::user, .name = "Ann"};
    const access::Target agent{.type = access::PrincipalType::agent, .name = "a1"};
    EXPECT_EQ(count_open(worker, ann), 1U);
    EXPECT_FALSE(open[0].revoked);
    EXPECT_EQ(end_open(worker, ann), 1U);
    EXPECT_EQ(end_open(worker, agent), 1U);
    EXPECT_TRUE(open[0].revoked && !open[1].revoked && open[2].revoked);
    EXPECT_EQ(end_open(worker, ann), 1U);  // it is there still
    open[0].end();
    EXPECT_EQ(count_open(worker, ann), 0U);
    for (auto* exchange : {&open[1], &open[2]}) exchange->end();
}

}  // namespace
}  // namespace gh::gateway
