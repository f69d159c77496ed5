#include "app/pki_house.hpp"

#include <gtest/gtest.h>

#include "app/testing.hpp"
#include "base/temporary_directory.hpp"
#include "pki/key_store.hpp"
#include "storage/testing.hpp"

namespace gh::app {
namespace {

using std::chrono::days;
using storage::run_to_end;

Task<bool> rounds(PkiHouse& house) {
    co_await house.keep();
    co_await house.keep();
    co_return true;
}

class PkiHouseTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        certificates.emplace(*database);
    }
    /// A house as the clerk keeps it; what it says, and its metrics.
    std::string keep(pki::InternalCa& ca) {
        telemetry::Registry metrics;
        KeptLines said;
        telemetry::Log log{said};
        PkiHouse house(*database, *certificates, ca, crypto::Secret(std::string(32, 'e')), metrics,
                       log);
        revoked_at_start = house.revoked().covers_authority(first_key);
        EXPECT_TRUE(run_to_end(rounds(house)));
        page.clear();
        metrics.render(page);
        return said.text;
    }
    [[nodiscard]] pki::InternalCa open(SystemTime at) {
        auto ca = pki::InternalCa::open(keys, home.path(), at).value();
        if (first_key.empty()) first_key = ca.issuer()->key_id();
        return ca;
    }
    [[nodiscard]] bool measured() const {
        return page.contains(
            R"(gatehouse_ca_certificate_not_after_seconds{certificate="root_crl"} )");
    }

    const SystemTime now = std::chrono::system_clock::now();
    TemporaryDirectory home;
    pki::FileKeyStore keys = pki::FileKeyStore::open(home.path() / "keys").value();
    std::optional<pki::CertificateRepository> certificates;
    std::string page, first_key;
    bool revoked_at_start = false;
};
INSTANTIATE_TEST_SUITE_P(Engines, PkiHouseTest, storage::both_engines, storage::engine_name);

TEST_P(PkiHouseTest, WarnsWhileTheListOfARootThatIsElsewhereNearsItsEnd) {
    auto ca = open(now - days{200});
    EXPECT_FALSE(keep(ca).contains("list")) << "there is more than a third left";
    EXPECT_TRUE(measured());
    ASSERT_TRUE(ca.forget_root_key(now - days{250}));
    const auto said = keep(ca);
    EXPECT_TRUE(said.contains("the root's list of revoked intermediates ends")) << said;
    EXPECT_TRUE(said.contains(R"("days_left":114)")) << said;
    EXPECT_EQ(said.find("the root's list"), said.rfind("the root's list")) << "once";
}

TEST_P(PkiHouseTest, SaysOnceThatAnOlderHouseHasNoListAndGoesOn) {
    {
        const auto ca = open(now);
        const auto issuer = ca.issuer()->secret_pem();
        ASSERT_TRUE(keys.store("ca-issuer", issuer));
        ASSERT_TRUE(keys.store("ca-root", crypto::Secret(ca.root().certificate_pem())));
    }
    auto ca = open(now);
    const auto said = keep(ca);
    EXPECT_TRUE(said.contains("no list of revoked intermediates yet")) << said;
    EXPECT_FALSE(said.contains("warning") || said.contains("error")) << said;
    EXPECT_FALSE(measured());
}

TEST_P(PkiHouseTest, KnowsRevokedIntermediatesFromItsFirstMomentOn) {
    auto ca = open(now);
    ASSERT_TRUE(ca.renew({.revoke = pki::RevocationReason::key_compromise}, now));
    EXPECT_EQ(keep(ca).find("error"), std::string::npos);
    EXPECT_TRUE(revoked_at_start);
}

}  // namespace
}  // namespace gh::app
