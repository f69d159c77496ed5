#include "app/tls_material.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "app/testing.hpp"
#include "base/temporary_directory.hpp"
#include "crypto/digest.hpp"

namespace gh::app {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

using Names = std::vector<std::string>;

class TlsMaterialTest : public ::testing::Test {
 protected:
    [[nodiscard]] TlsMaterial open() const {
        auto material = open_tls(data_dir(), now_);
        EXPECT_TRUE(material) << describe(material.error());
        return *std::move(material);
    }
    [[nodiscard]] std::filesystem::path data_dir() const { return home_.path(); }

    /// Writes the pair that `files_` names.
    void write(const pki::IssuedCertificate& issued) const {
        std::ofstream(files_.cert_file) << issued.chain_pem;
        std::ofstream(files_.key_file) << issued.key_pem;
    }
    [[nodiscard]] pki::IssuedCertificate issue(const std::string& name) const {
        auto issued = authority_.issue({.names = {.dns = {name}}}, now_);
        EXPECT_TRUE(issued);
        return *std::move(issued);
    }
    [[nodiscard]] net::ListenerConfig from_files() const {
        net::TlsConfig tls;
        tls.certificates = {files_};
        return {.name = "public", .tls = tls};
    }
    [[nodiscard]] static net::ListenerConfig internal() {
        return {.name = "public", .tls = net::TlsConfig{}};
    }
    [[nodiscard]] Names names_served(TlsMaterial& material, const net::ListenerConfig& listener) {
        auto context = material.context(listener, {"localhost"}, now_);
        return context ? (*context)->names() : Names{describe(context.error())};
    }

    const SystemTime now_ = std::chrono::system_clock::now();
    const TemporaryDirectory home_;
    const net::CertificateFiles files_{home_.path() / "a.pem", home_.path() / "a.key"};
    const pki::Authority authority_ = pki::Authority::create({}, now_).value();
    KeptLines lines_;
    telemetry::Log log_{lines_};
};

TEST_F(TlsMaterialTest, KeepsItsKeysToItself) {
    auto material = open();
    EXPECT_EQ(names_served(material, internal()), Names{"localhost"});
    for (const auto& entry : std::filesystem::directory_iterator(data_dir() / "keys")) {
        struct stat facts{};
        ASSERT_EQ(::stat(entry.path().c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 07777, 0600U) << entry.path();
    }
    std::ifstream file(material.ca_file());
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(pem.contains("BEGIN CERTIFICATE"));
    EXPECT_FALSE(pem.contains("PRIVATE KEY")) << "this file is handed around";
}

TEST_F(TlsMaterialTest, DoesNotStartOverKeysThatOthersMayReach) {
    (void)open();
    ASSERT_EQ(::chmod((data_dir() / "keys").c_str(), 0755), 0);
    const auto refused = open_tls(data_dir(), now_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "key_store.open_to_others");
    EXPECT_TRUE(refused.error().detail.contains("chmod 700")) << refused.error().detail;
}

TEST_F(TlsMaterialTest, NamesTheFileThatIsMissing) {
    auto material = open();
    auto context = material.context(from_files(), {}, now_);
    ASSERT_FALSE(context);
    EXPECT_TRUE(context.error().detail.contains(files_.cert_file.string()))
        << context.error().detail;

    auto listener = internal();
    listener.tls->client_ca_file = home_.path() / "clients.pem";
    context = material.context(listener, {"localhost"}, now_);
    ASSERT_FALSE(context);
    EXPECT_TRUE(context.error().detail.contains("clients.pem")) << context.error().detail;
}

TEST_F(TlsMaterialTest, ServesAChangedPairOnceBothHalvesAreThere) {
    auto material = open();
    Settings settings;
    settings.listeners = {from_files()};
    write(issue("old.example"));
    EXPECT_EQ(names_served(material, from_files()), Names{"old.example"});
    EXPECT_FALSE(material.changed(settings, now_, log_));
    EXPECT_EQ(lines_.text, "");

    const auto next = issue("new.example");
    std::ofstream(files_.cert_file) << next.chain_pem;  // and the key not yet
    EXPECT_FALSE(material.changed(settings, now_, log_));
    EXPECT_FALSE(material.changed(settings, now_, log_));
    const auto first = lines_.text.find("those in use stay");
    ASSERT_NE(first, std::string::npos) << lines_.text;
    EXPECT_EQ(lines_.text.find("those in use stay", first + 1), std::string::npos) << "said once";
    EXPECT_TRUE(lines_.text.contains("tls.key_mismatch")) << lines_.text;
    EXPECT_TRUE(lines_.text.contains(files_.cert_file.string())) << lines_.text;
    EXPECT_EQ(names_served(material, from_files()), Names{"old.example"})
        << "a context made in between has the pair that is whole";

    write(next);
    EXPECT_TRUE(material.changed(settings, now_, log_));
    EXPECT_TRUE(lines_.text.contains("certificate files reloaded")) << lines_.text;
    EXPECT_FALSE(lines_.text.contains("PRIVATE KEY"));
    EXPECT_EQ(names_served(material, from_files()), Names{"new.example"});
    EXPECT_FALSE(material.changed(settings, now_, log_));
}

TEST_F(TlsMaterialTest, GoesOnWithAPairWhoseFilesAreGone) {
    auto material = open();
    Settings settings;
    settings.listeners = {from_files()};
    write(issue("a.example"));
    EXPECT_EQ(names_served(material, from_files()), Names{"a.example"});
    std::filesystem::remove(files_.cert_file);
    std::filesystem::remove(files_.key_file);
    EXPECT_FALSE(material.changed(settings, now_, log_));
    EXPECT_TRUE(lines_.text.contains("tls.file_unreadable")) << lines_.text;
    EXPECT_EQ(names_served(material, from_files()), Names{"a.example"});
}

TEST_F(TlsMaterialTest, TheInternalLeafIsDueWhenAThirdOfItsLifeIsLeft) {
    auto material = open();
    Settings settings;
    settings.listeners = {internal()};
    EXPECT_FALSE(material.changed(settings, now_, log_)) << "no leaf has been made yet";
    (void)names_served(material, internal());
    EXPECT_FALSE(material.changed(settings, now_ + std::chrono::days(59), log_));
    EXPECT_TRUE(material.changed(settings, now_ + std::chrono::days(61), log_));
}

TEST_F(TlsMaterialTest, TakesOverAnIntermediateThatAnotherProcessHasMade) {
    auto material = open();
    auto other = open();
    Settings settings;
    settings.listeners = {internal()};
    ASSERT_TRUE(material.context(internal(), {"localhost"}, now_));
    material.keep_fresh(now_, log_);
    EXPECT_FALSE(material.changed(settings, now_, log_));
    for (const bool new_key : {false, true}) {
        SCOPED_TRACE(new_key);
        const auto before = *material.internal_leaf();
        const auto at = now_ + seconds(new_key ? 20 : 10);
        pki::Renewal renewal;
        if (new_key) renewal.revoke = pki::RevocationReason::key_compromise;
        ASSERT_TRUE(other.ca().renew(renewal, at));
        EXPECT_FALSE(material.changed(settings, at, log_)) << "it has not looked yet";
        material.keep_fresh(at, log_);
        EXPECT_TRUE(material.changed(settings, at, log_));
        ASSERT_TRUE(material.context(internal(), {"localhost"}, at));
        EXPECT_EQ(material.internal_leaf()->serial != before.serial, new_key);
        EXPECT_NE(material.internal_leaf()->chain_pem, before.chain_pem);
        EXPECT_FALSE(material.changed(settings, at, log_));
    }
    material.keep_fresh(now_ + seconds(24), log_);
    EXPECT_EQ(lines_.text, "");
}

TEST_F(TlsMaterialTest, AsksForTheLeafsRenewalLessAndLessOftenWhileItFails) {
    auto material = open();
    const Settings settings;
    ASSERT_TRUE(material.context(internal(), {"localhost"}, now_));
    EXPECT_FALSE(material.changed(settings, now_, log_));

    const auto due = now_ + hours(24 * 365 * 50);  // the root has ended, too: nothing can be issued
    EXPECT_FALSE(material.context(internal(), {"localhost"}, due));
    std::vector<long> asked;
    for (long second = 0; second < 20'000; ++second) {
        if (material.changed(settings, due + seconds(second), log_)) asked.push_back(second);
    }
    const std::vector<long> expected{0,    10,   30,   70,   150,   310,   630,
                                     1270, 2550, 5110, 8710, 12310, 15910, 19510};
    EXPECT_EQ(asked, expected);

    EXPECT_TRUE(material.changed(settings, due - hours(24), log_)) << "the clock was set back";
}

class LeafOfACa : public TlsMaterialTest {
 protected:
    LeafOfACa() {
        material_.set_client(client_);
        settings_.listeners = {internal()};
        settings_.listeners[0].tls->acme = true;
        aim_.config.domains = {"a.example.com"};
    }
    /// As an earlier process has left it.
    void keep(std::string_view key_and_chain) {
        const auto name = "acme-leaf-" + crypto::sha256_hex(aim_.config.directory).substr(0, 16);
        ASSERT_TRUE(material_.keys().store(name, crypto::Secret(key_and_chain)));
    }
    [[nodiscard]] Names served(SystemTime at) {
        auto context =
            material_.context(settings_.listeners[0], {"localhost"}, at, client_.leaf(at));
        return context ? (*context)->names() : Names{describe(context.error())};
    }
    [[nodiscard]] bool changed(SystemTime at) { return material_.changed(settings_, at, log_); }

    TlsMaterial material_ = open();
    telemetry::Registry registry_;
    pki::acme_client::Client client_{{.keys = material_.keys(),
                                      .log = log_,
                                      .registry = registry_,
                                      .lock_file = home_.path() / "acme.lock"}};
    Settings settings_;
    pki::acme_client::Aim aim_;
};

using pki::acme_client::ServedState;

TEST_F(LeafOfACa, IsServedFromItsBeginningToItsEnd) {
    const auto kept = issue("a.example.com");
    keep(kept.key_pem + kept.chain_pem);
    const auto before = kept.not_before - hours(1), after = kept.not_after;
    EXPECT_EQ(served(before), Names{"localhost"}) << "nobody asks for one yet";
    client_.aim_at(aim_);
    EXPECT_EQ(client_.state(before), ServedState::internal);
    EXPECT_FALSE(changed(before));
    EXPECT_EQ(served(before), Names{"localhost"}) << "the clock is behind";
    EXPECT_TRUE(material_.internal_leaf());

    EXPECT_EQ(client_.state(now_), ServedState::valid);
    EXPECT_TRUE(changed(now_));
    EXPECT_EQ(served(now_), Names{"a.example.com"});
    EXPECT_FALSE(material_.internal_leaf()) << "no listener serves it any more";
    EXPECT_FALSE(changed(now_));

    EXPECT_EQ(client_.state(after), ServedState::internal);
    EXPECT_TRUE(changed(after));
    EXPECT_EQ(served(after), Names{"localhost"});
    EXPECT_FALSE(changed(after));
}

TEST_F(LeafOfACa, IsNotServedWhereItIsDamaged) {
    keep("damaged");
    client_.aim_at(aim_);
    EXPECT_EQ(client_.state(now_), ServedState::internal);
    EXPECT_TRUE(lines_.text.contains("cannot be used")) << lines_.text;
}

TEST_F(LeafOfACa, IsNotTakenFromWhatIsOnlyLookedAt) {
    const auto kept = issue("a.example.com");
    keep(kept.key_pem + kept.chain_pem);
    client_.aim_at(aim_);
    const auto leaf = client_.leaf(now_);
    ASSERT_TRUE(leaf);
    auto other = aim_;
    other.config.directory = "https://other.example/directory";
    EXPECT_FALSE(client_.look_at(other).leaf);
    EXPECT_EQ(client_.leaf(now_), leaf);
    other.config.directory = aim_.config.directory;
    other.http_first = !aim_.http_first;
    keep("damaged");
    EXPECT_EQ(client_.look_at(other).leaf, leaf) << "the same CA's, which is in memory";
}

TEST_F(LeafOfACa, WhatIsNotServedIsTriedAgainLessAndLessOften) {
    material_.not_served(now_);
    EXPECT_FALSE(changed(now_ + seconds(9)));
    EXPECT_TRUE(changed(now_ + seconds(10)));
    material_.not_served(now_ + seconds(10));
    EXPECT_FALSE(changed(now_ + seconds(29)));
    EXPECT_TRUE(changed(now_ + seconds(30)));
    EXPECT_FALSE(changed(now_ + seconds(31)));
    material_.not_served(now_ + seconds(40));
    EXPECT_TRUE(changed(now_ + seconds(50))) << "it was served in between";
}

TEST_F(TlsMaterialTest, BeginsAnewOnceTheLeafIsRenewed) {
    auto material = open();
    const Settings settings;
    auto at = now_;
    ASSERT_TRUE(material.context(internal(), {"localhost"}, at));
    int renewed = 0;
    for (int day = 0; day < 400; ++day) {
        at += hours(24);
        if (!material.changed(settings, at, log_)) continue;
        ++renewed;
        ASSERT_TRUE(material.context(internal(), {"localhost"}, at)) << day;
        EXPECT_FALSE(material.changed(settings, at, log_)) << "it has just been renewed";
    }
    EXPECT_GE(renewed, 2);
}

}  // namespace
}  // namespace gh::app
