#include "pki/root_list.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/temporary_directory.hpp"
#include "pki/internal_ca.hpp"
#include "pki/key_store.hpp"
#include "pki/offline_root.hpp"
#include "pki/openssl.hpp"

namespace gh::pki {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using CrlHandle = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;

const SystemTime noon = std::chrono::sys_days{2025y / 6 / 1} + 12h;

CrlHandle read(const Crl& crl) {
    const auto* at = reinterpret_cast<const unsigned char*>(crl.der.data());
    return CrlHandle(d2i_X509_CRL(nullptr, &at, static_cast<long>(crl.der.size())));
}

bool lists(const Crl& crl, const Authority& intermediate) {
    X509_REVOKED* entry = nullptr;
    return X509_CRL_get0_by_cert(read(crl).get(), &entry, intermediate.certificate()) == 1;
}

int entries(const Crl& crl) {
    return std::max(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(read(crl).get())), 0);
}

class RootListTest : public ::testing::Test {
 protected:
    [[nodiscard]] Authority intermediate(const Authority* renewed = nullptr,
                                         seconds lifetime = days{1825}) const {
        return root_.sign_intermediate({.lifetime = lifetime}, renewed, noon).value();
    }
    const Authority root_ = Authority::create(RootRequest{}, noon).value();
    RootList list_;
};

TEST_F(RootListTest, IsOfTheRootAndListsWhatIsRevoked) {
    EXPECT_TRUE(list_.due(noon));
    const auto first = intermediate();
    const auto renewed = intermediate(&first);
    list_.remember(first);
    list_.remember(renewed);
    list_.remember(first);
    ASSERT_TRUE(list_.sign(root_, noon));
    const auto empty = list_.crl();
    EXPECT_EQ(X509_CRL_verify(read(*empty).get(), root_.key()), 1);
    EXPECT_EQ(entries(*empty), 0);
    EXPECT_EQ(ASN1_TIME_cmp_time_t(X509_CRL_get0_nextUpdate(read(*empty).get()),
                                   unix_seconds(noon + root_list_lifetime)),
              0);

    const auto serials = list_.revoke_all(RevocationReason::key_compromise, noon + 1h);
    EXPECT_EQ(serials, (std::vector{crypto::serial_of(first.certificate()),
                                    crypto::serial_of(renewed.certificate())}));
    EXPECT_TRUE(list_.revoke_all(RevocationReason::superseded, noon + 2h).empty()) << "once";
    EXPECT_EQ(list_.revoked_keys(), std::vector{first.key_id()}) << "both have it";
    const auto next = intermediate();
    list_.remember(next);
    ASSERT_TRUE(list_.sign(root_, noon));
    EXPECT_EQ(list_.crl()->number, empty->number + 1) << "in the same second";
    EXPECT_NE(list_.crl()->etag, empty->etag);
    EXPECT_TRUE(lists(*list_.crl(), first));
    EXPECT_TRUE(lists(*list_.crl(), renewed));
    EXPECT_FALSE(lists(*list_.crl(), next));
    EXPECT_EQ(entries(*list_.crl()), 2);
}

TEST_F(RootListTest, IsDueWhenAThirdOfItsLifeIsLeftAndWhenTheClockWasSetBack) {
    ASSERT_TRUE(list_.sign(root_, noon));
    const auto due = noon + root_list_lifetime - seconds(root_list_lifetime) / 3;
    EXPECT_FALSE(list_.due(noon));
    EXPECT_FALSE(list_.due(noon - backdate)) << "it is good by then";
    EXPECT_TRUE(list_.due(noon - backdate - 1s));
    EXPECT_FALSE(list_.due(due - 1s));
    EXPECT_TRUE(list_.due(due));
}

TEST_F(RootListTest, ComesBackFromItsLinesWhereverTheyStand) {
    const auto revoked = intermediate();
    list_.remember(revoked);
    list_.revoke_all(RevocationReason::superseded, noon + 250ms);
    list_.remember(intermediate());
    ASSERT_TRUE(list_.sign(root_, noon));
    const auto back =
        RootList::read(std::string(crypto::text_of(revoked.secret_pem().bytes())) + list_.text());
    ASSERT_TRUE(back) << describe(back.error());
    EXPECT_EQ(back->intermediates(), list_.intermediates());
    ASSERT_TRUE(back->crl());
    EXPECT_EQ(back->crl()->der, list_.crl()->der);
    EXPECT_EQ(back->crl()->etag, list_.crl()->etag);
    EXPECT_EQ(back->crl()->number, list_.crl()->number);
    EXPECT_EQ(back->crl()->made_at, list_.crl()->made_at);
    EXPECT_EQ(back->crl()->next_update, list_.crl()->next_update);
    EXPECT_EQ(back->text(), list_.text());
    const auto nothing = RootList::read(crypto::text_of(revoked.secret_pem().bytes()));
    EXPECT_TRUE(nothing && !nothing->crl() && nothing->intermediates().empty());
}

TEST_F(RootListTest, DamagedLinesAreToldOf) {
    const std::string_view cases[] = {
        "root-list",
        "root-list 1 2 3",
        "root-list 1 2 3 ====",
        "root-list x 2 3 AAAA",
        "root-list 1 2 3 AAAA\nroot-list 1 2 3 AAAA",
        "root-list 1 2 253402300800 AAAA",
        "intermediate",
        "intermediate aa bb",
        "intermediate aa bb -1",
        "intermediate aa bb 1 2",
        "intermediate aa bb 1 2 for_fun",
        "intermediate  bb 1",
    };
    for (const auto text : cases) {
        SCOPED_TRACE(text);
        const auto list = RootList::read(text);
        EXPECT_EQ(list ? "" : list.error().reason, "ca.list_unreadable");
    }
}

TEST_F(RootListTest, WhatHasEndedLeavesItOnceItHasBeenOnOneSignedAfterItsEnd) {
    const auto revoked = intermediate(nullptr, days{30});
    list_.remember(revoked);
    list_.revoke_all(RevocationReason::unspecified, noon);
    const auto forgotten = intermediate(nullptr, days{10});
    list_.remember(forgotten);
    ASSERT_TRUE(list_.sign(root_, noon));
    EXPECT_EQ(list_.intermediates().size(), 2U);
    ASSERT_TRUE(list_.sign(root_, noon + days{31}));
    EXPECT_TRUE(lists(*list_.crl(), revoked));
    ASSERT_TRUE(list_.sign(root_, noon + days{32}));
    EXPECT_EQ(entries(*list_.crl()), 0);
    EXPECT_TRUE(list_.revoked_keys().empty());
    EXPECT_TRUE(list_.intermediates().empty())
        << "the one that ended by itself is forgotten as well";
}

TEST_F(RootListTest, AClockThatWasFarAheadOnceMakesNothingGoodAgain) {
    const auto revoked = intermediate(nullptr, days{30});
    list_.remember(revoked);
    list_.revoke_all(RevocationReason::key_compromise, noon);
    const auto good = intermediate(nullptr, days{30});
    list_.remember(good);
    ASSERT_TRUE(list_.sign(root_, noon));
    ASSERT_TRUE(list_.sign(root_, noon + days{100}));
    ASSERT_TRUE(list_.sign(root_, noon + days{1}));
    EXPECT_TRUE(lists(*list_.crl(), revoked));
    EXPECT_EQ(list_.revoked_keys().size(), 1U);
    EXPECT_EQ(list_.intermediates().size(), 2U) << "and what can be revoked later is known";
}

TEST(RevokedAuthorities, AreKnownByKeyAndTellOfChanges) {
    RevokedCertificates all;
    int changes = 0;
    all.on_change([&changes] { ++changes; });
    EXPECT_FALSE(all.covers_authority("aa"));
    all.set_authorities({"bb", "aa"});
    all.set_authorities({"aa", "bb"});
    EXPECT_EQ(changes, 1);
    EXPECT_TRUE(all.covers_authority("aa") && all.covers_authority("bb"));
    EXPECT_FALSE(all.covers_authority("ab") || all.covers_authority(""));
    EXPECT_FALSE(all.covers_serial("aa"));
    EXPECT_EQ(all.size(), 0U);
    all.set_authorities({});
    EXPECT_FALSE(all.covers_authority("aa"));
}

/// A house whose root has a list.
class RevocableIssuerTest : public ::testing::Test {
 protected:
    [[nodiscard]] Result<InternalCa> open(SystemTime now = noon, std::string base = {}) {
        return InternalCa::open(keys_, home_.path(), now, std::move(base));
    }
    /// As an older version left it: a root and an intermediate without a list.
    void be_old(bool with_key) {
        const auto ca = open().value();
        const auto secret = ca.issuer()->secret_pem();
        ASSERT_TRUE(keys_.store("ca-issuer", secret));
        if (with_key) return;
        root_ = ca.root_with_key().value();
        ASSERT_TRUE(keys_.store("ca-root", crypto::Secret(ca.root().certificate_pem())));
    }
    TemporaryDirectory home_;
    FileKeyStore keys_ = FileKeyStore::open(home_.path() / "keys").value();
    std::optional<Authority> root_;
};

TEST_F(RevocableIssuerTest, AnotherKeyRevokesEveryIntermediateBefore) {
    auto ca = open().value();
    ASSERT_TRUE(ca.root_list()->crl());
    const auto first = ca.issuer();
    const auto unchanged = ca.renew({}, noon + 1h);
    ASSERT_TRUE(unchanged && unchanged->empty()) << "the key is the same";
    const auto second = ca.issuer();
    EXPECT_EQ(second->key_id(), first->key_id());
    EXPECT_EQ(entries(*ca.root_list()->crl()), 0);

    const auto constraints = constraints_from({"example.com"}).value();
    const auto revoked = ca.renew(
        {.constraints = constraints, .revoke = RevocationReason::key_compromise}, noon + 2h);
    ASSERT_TRUE(revoked) << describe(revoked.error());
    EXPECT_EQ(revoked->size(), 2U);
    EXPECT_NE(ca.issuer()->key_id(), first->key_id());
    EXPECT_EQ(constraints_of(ca.issuer()->certificate()), constraints);
    const auto list = open(noon + 3h).value().root_list();
    EXPECT_EQ(list->crl()->der, ca.root_list()->crl()->der) << "it is kept";
    EXPECT_TRUE(lists(*list->crl(), *first));
    EXPECT_TRUE(lists(*list->crl(), *second));
    EXPECT_FALSE(lists(*list->crl(), *ca.issuer()));
    EXPECT_EQ(list->revoked_keys(), std::vector{first->key_id()});

    const auto again = ca.renew({.revoke = RevocationReason::superseded}, noon + 4h).value();
    EXPECT_EQ(again.size(), 1U);
    EXPECT_EQ(constraints_of(ca.issuer()->certificate()), constraints);
    EXPECT_EQ(entries(*ca.root_list()->crl()), 3);
    EXPECT_EQ(ca.root_list()->revoked_keys().size(), 2U);
}

TEST_F(RevocableIssuerTest, AnOlderListIsNotTakenOver) {
    auto running = open().value();
    std::vector<std::size_t> heard;
    running.on_list(
        [&heard](const RootList& list) { heard.push_back(list.revoked_keys().size()); });
    const auto before = keys_.load("ca-issuer").value();
    auto other = open().value();
    ASSERT_TRUE(other.renew({.revoke = RevocationReason::key_compromise}, noon + 1h));
    ASSERT_TRUE(running.refresh(noon + 1h));
    EXPECT_EQ(heard, (std::vector<std::size_t>{0, 1}));
    ASSERT_TRUE(keys_.store("ca-issuer", before));
    const auto refreshed = running.refresh(noon + 1h);
    EXPECT_EQ(refreshed ? "" : refreshed.error().reason, "ca.list_went_back");
    EXPECT_EQ(running.root_list()->revoked_keys().size(), 1U);
    running.on_list({});
}

TEST_F(RevocableIssuerTest, TheListIsRenewedWhereTheRootIsAndGoesOnWhereItIsNot) {
    auto ca = open().value();
    const auto first = ca.root_list()->crl();
    const auto due = noon + root_list_lifetime - seconds(root_list_lifetime) / 3;
    ASSERT_TRUE(ca.refresh(due - 1s));
    EXPECT_EQ(ca.root_list()->crl(), first) << "not even read anew";
    const auto issuer = ca.issuer();
    ASSERT_TRUE(ca.refresh(due));
    const auto second = ca.root_list()->crl();
    EXPECT_GT(second->number, first->number);
    EXPECT_EQ(second->made_at, due);
    EXPECT_EQ(ca.issuer()->fingerprint(), issuer->fingerprint());
    EXPECT_EQ(open(due).value().root_list()->crl()->number, second->number);

    ASSERT_TRUE(ca.forget_root_key(due + days{1}));
    const auto last = ca.root_list()->crl();
    EXPECT_EQ(last->made_at, due + days{1}) << "as long as it can be";
    ASSERT_TRUE(ca.refresh(due + days{360}));
    EXPECT_EQ(ca.root_list()->crl(), last);
    EXPECT_EQ(open(due + days{400}).value().root_list()->crl()->number, last->number);
}

TEST_F(RevocableIssuerTest, AnOlderHouseGetsItsListAtTheNextStart) {
    be_old(true);
    EXPECT_FALSE(RootList::read(crypto::text_of(keys_.load("ca-issuer").value().bytes()))->crl());
    auto ca = open(noon + 1h).value();
    ASSERT_TRUE(ca.root_list()->crl());
    EXPECT_EQ(ca.root_list()->intermediates().size(), 1U) << "the one it has";
}

TEST_F(RevocableIssuerTest, AnOlderHouseWithoutItsRootGetsItsListWithTheFile) {
    be_old(false);
    auto ca = open(noon + 1h).value();
    EXPECT_FALSE(ca.root_list()->crl());
    EXPECT_TRUE(ca.leaf("public", {.names = {.dns = {"a.example"}}}, noon + 1h));
    EXPECT_TRUE(ca.refresh(noon + 1h));
    const auto before = ca.issuer();
    const auto revoked =
        ca.renew({.root = &*root_, .revoke = RevocationReason::key_compromise}, noon + 2h);
    ASSERT_TRUE(revoked) << describe(revoked.error());
    EXPECT_EQ(*revoked, std::vector{crypto::serial_of(before->certificate())});
    EXPECT_TRUE(lists(*ca.root_list()->crl(), *before));
}

TEST_F(RevocableIssuerTest, WhoRunsTakesOverWhatAnotherProcessDid) {
    auto running = open().value();
    auto leaf = running.leaf("public", {.names = {.dns = {"a.example"}}}, noon).value();
    auto verb = open().value();
    ASSERT_TRUE(verb.renew({.revoke = RevocationReason::key_compromise}, noon + 1h));
    ASSERT_TRUE(running.refresh(noon + 1h));
    EXPECT_EQ(running.issuer()->fingerprint(), verb.issuer()->fingerprint());
    EXPECT_EQ(running.root_list()->revoked_keys(), std::vector{leaf.issuer_key_id});
    const auto next = running.leaf("public", {.names = {.dns = {"a.example"}}}, noon + 1h).value();
    EXPECT_NE(next.serial, leaf.serial) << "what hangs on the intermediate before is not used";
    EXPECT_EQ(next.issuer_key_id, verb.issuer()->key_id());
}

TEST_F(RevocableIssuerTest, AKeyStoreThatFailsLeavesBothAsTheyWere) {
    class Failing final : public crypto::KeyStore {
     public:
        explicit Failing(crypto::KeyStore& inner) : inner_(inner) {}
        Result<crypto::Secret> load(std::string_view name) override { return inner_.load(name); }
        Result<void> store(std::string_view, const crypto::Secret&) override {
            return fail(ErrorKind::unavailable, "key_store.io", "the disk is full");
        }

     private:
        crypto::KeyStore& inner_;
    };
    const auto before = open().value();
    Failing failing(keys_);
    auto ca = InternalCa::open(failing, home_.path(), noon).value();
    const auto renewed = ca.renew({.revoke = RevocationReason::key_compromise}, noon + 1h);
    EXPECT_EQ(renewed ? "" : renewed.error().reason, "key_store.io");
    EXPECT_EQ(ca.issuer()->fingerprint(), before.issuer()->fingerprint());
    EXPECT_TRUE(ca.root_list()->revoked_keys().empty());
    EXPECT_EQ(open(noon + 1h).value().issuer()->fingerprint(), before.issuer()->fingerprint());
}

TEST_F(RevocableIssuerTest, WhoRenewsWithoutEndIsStoppedAndANewKeyStillHelps) {
    auto ca = open().value();
    for (std::size_t i = 1; i < RootList::intermediates_max; ++i) {
        ASSERT_TRUE(ca.renew({}, noon));
    }
    EXPECT_LT(keys_.load("ca-issuer")->size(), crypto::KeyStore::value_bytes_max / 2);
    const auto refused = ca.renew({}, noon);
    EXPECT_EQ(refused ? "" : refused.error().reason, "ca.renewed_too_often");
    const auto revoked = ca.renew({.revoke = RevocationReason::key_compromise}, noon);
    ASSERT_TRUE(revoked) << describe(revoked.error());
    EXPECT_EQ(revoked->size(), RootList::intermediates_max);
    EXPECT_EQ(entries(*open(noon).value().root_list()->crl()),
              static_cast<int>(RootList::intermediates_max));
    EXPECT_LT(keys_.load("ca-issuer")->size(), crypto::KeyStore::value_bytes_max / 2);
}

TEST_F(RevocableIssuerTest, TheIntermediateSaysWhereTheListIs) {
    EXPECT_LT(X509_get_ext_by_NID(open().value().issuer()->certificate(),
                                  NID_crl_distribution_points, -1),
              0);
    auto ca = open(noon, "http://ca.example.com/").value();
    ASSERT_TRUE(ca.renew({}, noon));
    using PointsHandle = std::unique_ptr<CRL_DIST_POINTS, FreeWith<CRL_DIST_POINTS_free>>;
    const PointsHandle points(static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(
        ca.issuer()->certificate(), NID_crl_distribution_points, nullptr, nullptr)));
    ASSERT_TRUE(points);
    const auto* name =
        sk_GENERAL_NAME_value(sk_DIST_POINT_value(points.get(), 0)->distpoint->name.fullname, 0);
    EXPECT_EQ(view(name->d.uniformResourceIdentifier), "http://ca.example.com/pki/root.crl");
}

}  // namespace
}  // namespace gh::pki
