#include "pki/crl.hpp"

#include <gtest/gtest.h>

#include "pki/openssl.hpp"

namespace gh::pki {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using CrlHandle = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;

const SystemTime noon = std::chrono::sys_days{2025y / 6 / 1} + 12h;

RevokedCertificate revoked(std::string serial, std::string issuer,
                           RevocationReason reason = RevocationReason::unspecified) {
    return {.serial = std::move(serial),
            .issuer_key_id = std::move(issuer),
            .reason = reason,
            .revoked_at = noon - 1h,
            .not_after = noon + days{30}};
}

CrlHandle read(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    return CrlHandle(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
}

class CrlTest : public ::testing::Test {
 protected:
    Authority issuer_ = Authority::create(RootRequest{}, noon).value();
    RevokedCertificates revoked_;
    CrlKeeper keeper_;
};

TEST_F(CrlTest, ListsTheSerialsWithTimeAndReasonUnderItsSignature) {
    const auto der = make_crl(issuer_,
                              {revoked("0badc0ffee", issuer_.key_id()),
                               revoked("ff00", issuer_.key_id(), RevocationReason::key_compromise)},
                              7, noon);
    ASSERT_TRUE(der) << describe(der.error());
    const auto crl = read(*der);
    ASSERT_TRUE(crl);
    EXPECT_EQ(X509_CRL_verify(crl.get(), issuer_.key()), 1);
    EXPECT_EQ(X509_CRL_get_version(crl.get()), X509_CRL_VERSION_2);
    EXPECT_EQ(ASN1_TIME_cmp_time_t(X509_CRL_get0_lastUpdate(crl.get()), unix_seconds(noon - 5min)),
              0)
        << "for those whose clock is behind";
    EXPECT_EQ(ASN1_TIME_cmp_time_t(X509_CRL_get0_nextUpdate(crl.get()),
                                   unix_seconds(noon + crl_lifetime)),
              0);
    const auto* entries = X509_CRL_get_REVOKED(crl.get());
    ASSERT_EQ(sk_X509_REVOKED_num(entries), 2);
    auto* first = sk_X509_REVOKED_value(entries, 0);
    EXPECT_EQ(view(X509_REVOKED_get0_serialNumber(first)), "\x0b\xad\xc0\xff\xee");
    EXPECT_EQ(X509_REVOKED_get_ext_by_NID(first, NID_crl_reason, -1), -1);
    auto* second = sk_X509_REVOKED_value(entries, 1);
    EXPECT_GE(X509_REVOKED_get_ext_by_NID(second, NID_crl_reason, -1), 0);
    EXPECT_GE(X509_CRL_get_ext_by_NID(crl.get(), NID_crl_number, -1), 0);
    EXPECT_GE(X509_CRL_get_ext_by_NID(crl.get(), NID_authority_key_identifier, -1), 0);
    const auto stranger = Authority::create(RootRequest{}, noon).value();
    EXPECT_NE(X509_CRL_verify(crl.get(), stranger.key()), 1);
}

TEST_F(CrlTest, IsMadeAnewWhenSomethingWasRevokedAndBeforeItEnds) {
    const auto keep = [this](SystemTime now) {
        return keeper_.keep(issuer_, revoked_, now).value();
    };
    EXPECT_EQ(keeper_.current(), nullptr);
    EXPECT_TRUE(keep(noon));
    const auto first = keeper_.current();
    EXPECT_EQ(first->made_at, noon);
    EXPECT_FALSE(keep(noon + 1s));
    EXPECT_EQ(keeper_.current(), first);
    revoked_.add({revoked("ff00", issuer_.key_id())});
    EXPECT_TRUE(keep(noon + 1s));
    EXPECT_NE(keeper_.current()->etag, first->etag);
    revoked_.add({revoked("ff00", issuer_.key_id())});
    EXPECT_FALSE(keep(noon + 1s)) << "it is on the list";
    EXPECT_FALSE(keep(noon + crl_renewed_after));
    EXPECT_TRUE(keep(noon + 1s + crl_renewed_after));
    const auto number = keeper_.current()->number;
    EXPECT_TRUE(keep(noon)) << "the clock was set back";
    EXPECT_EQ(keeper_.current()->number, number + 1) << "and the number was not";
    const auto other = Authority::create(RootRequest{}, noon).value();
    EXPECT_TRUE(keeper_.keep(other, revoked_, noon).value());
    EXPECT_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(read(keeper_.current()->der).get())), -1)
        << "what others signed is not on its list";
}

TEST_F(CrlTest, AnEndedCertificateLeavesTheListAfterItsLastOne) {
    auto ended = revoked("ff00", issuer_.key_id());
    ended.not_after = noon;
    revoked_.add({ended});
    EXPECT_EQ(revoked_.of_issuer(issuer_.key_id(), noon - crl_lifetime).size(), 1U);
    EXPECT_EQ(revoked_.of_issuer(issuer_.key_id(), noon + 1s).size(), 0U);
    EXPECT_TRUE(revoked_.covers_serial("ff00"));
    revoked_.forget(noon + 1s);
    EXPECT_FALSE(revoked_.covers_serial("ff00"));
    EXPECT_EQ(revoked_.size(), 0U);
}

TEST(RevokedCertificates, AreKnownBySerialAndTellOfChanges) {
    RevokedCertificates all;
    int changes = 0;
    all.on_change([&changes] { ++changes; });
    EXPECT_FALSE(all.covers_serial("ff00"));
    const auto before = all.generation();
    all.add({revoked("ff00", "a")});
    all.add({revoked("ff00", "a")});
    EXPECT_EQ(changes, 1);
    EXPECT_EQ(all.generation(), before + 1);
    EXPECT_TRUE(all.covers_serial("ff00"));
    EXPECT_EQ(all.find("ff00")->issuer_key_id, "a");
    EXPECT_FALSE(all.covers_serial("ff01") || all.covers_serial("") || all.find("ff01"));
}

TEST(RevocationReason, HasOneNameEach) {
    for (const std::string_view name :
         {"unspecified", "key_compromise", "affiliation_changed", "superseded",
          "cessation_of_operation", "privilege_withdrawn"}) {
        const auto reason = revocation_reason_of(name);
        ASSERT_TRUE(reason) << name;
        EXPECT_EQ(name_of(*reason), name);
    }
    EXPECT_FALSE(revocation_reason_of("certificate_hold"));
    EXPECT_FALSE(revocation_reason_of(""));
}

}  // namespace
}  // namespace gh::pki
