#include "net/certificate_files.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "net/memory_handshake.hpp"

namespace gh::net {
namespace {

class CertificateFilesTest : public ::testing::Test {
 protected:
    ~CertificateFilesTest() override { std::filesystem::remove_all(home_); }
    void write(const CertificateChain& chain) const {
        std::ofstream(files_.cert_file) << chain.cert_pem;
        std::ofstream(files_.key_file) << chain.key_pem;
    }
    [[nodiscard]] std::string_view reason_of_load() const {
        const auto loaded = load_certificate_files(files_);
        return loaded ? "" : loaded.error().reason;
    }

    static std::filesystem::path make_directory() {
        std::string name =
            (std::filesystem::temp_directory_path() / "gatehouse-test-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        return name;
    }

    const std::filesystem::path home_ = make_directory();
    const CertificateFiles files_{home_ / "a.pem", home_ / "a.key"};
    const TestAuthority authority_;
    const CertificateChain first_ = authority_.server({"a.example"});
    const CertificateChain second_ = authority_.server({"a.example"});
};

TEST_F(CertificateFilesTest, AreReadAsAPair) {
    write(first_);
    const auto loaded = load_certificate_files(files_);
    ASSERT_TRUE(loaded) << describe(loaded.error());
    EXPECT_EQ(loaded->cert_pem, first_.cert_pem);
    EXPECT_EQ(loaded->key_pem, first_.key_pem);
    EXPECT_EQ(loaded->source, files_.cert_file.string() + " with " + files_.key_file.string());

    std::ofstream(files_.cert_file) << first_.key_pem << first_.cert_pem;
    EXPECT_TRUE(load_certificate_files({files_.cert_file, files_.cert_file})) << "both in one file";
}

TEST_F(CertificateFilesTest, ThatAreTornOrMixedOrMissingAreRefusedByName) {
    EXPECT_EQ(reason_of_load(), "tls.file_unreadable");
    EXPECT_TRUE(load_certificate_files(files_).error().detail.contains(files_.cert_file.string()));
    write({first_.cert_pem.substr(0, 200), first_.key_pem, ""});
    EXPECT_EQ(reason_of_load(), "certificate.malformed");
    write({first_.cert_pem, first_.key_pem.substr(0, 100), ""});
    EXPECT_EQ(reason_of_load(), "key.malformed");
    write({first_.cert_pem, second_.key_pem, ""});
    EXPECT_EQ(reason_of_load(), "tls.key_mismatch");
    write({"", "", ""});
    EXPECT_EQ(reason_of_load(), "certificate.missing");
    write({std::string(crypto::pem_bytes_max + 1, ' '), first_.key_pem, ""});
    EXPECT_EQ(reason_of_load(), "tls.file_unreadable");
    std::filesystem::remove(files_.cert_file);
    std::filesystem::create_directory(files_.cert_file);
    EXPECT_EQ(reason_of_load(), "tls.file_unreadable");
}

TEST_F(CertificateFilesTest, ChangeTheirStampWithEveryWayOfReplacingThem) {
    EXPECT_FALSE(stamp_of(files_.cert_file).present);
    write(first_);
    const auto before = stamp_of(files_);
    EXPECT_EQ(stamp_of(files_), before);
    std::ofstream(home_ / "new") << first_.cert_pem;
    std::filesystem::rename(home_ / "new", files_.cert_file);
    const auto renamed = stamp_of(files_);
    EXPECT_NE(renamed.cert, before.cert) << "another file of the same size";
    EXPECT_EQ(renamed.key, before.key);
    std::ofstream(files_.key_file, std::ios::app) << "\n";
    EXPECT_NE(stamp_of(files_).key, renamed.key);
    std::filesystem::last_write_time(
        files_.cert_file, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
    EXPECT_NE(stamp_of(files_).cert, renamed.cert);
}

constexpr PairStamp stamp(std::int64_t cert, std::int64_t key) {
    return {.cert = {.modified_ns = cert, .size = 1, .inode = 1, .present = true},
            .key = {.modified_ns = key, .size = 1, .inode = 2, .present = true}};
}

TEST(CertificateWatcher, ReloadsOnChangeAndRestsAfterwards) {
    CertificateWatcher watcher(stamp(1, 1));
    EXPECT_FALSE(watcher.should_reload(stamp(1, 1)));
    EXPECT_TRUE(watcher.should_reload(stamp(2, 1)));
    watcher.accepted(stamp(2, 1));
    EXPECT_FALSE(watcher.should_reload(stamp(2, 1)));
    EXPECT_TRUE(watcher.should_reload(stamp(1, 1))) << "older is different too";
    EXPECT_TRUE(watcher.should_reload({})) << "so is gone";
}

TEST(CertificateWatcher, TriesABadPairAgainButReportsEachChangeOnce) {
    CertificateWatcher watcher(stamp(1, 1));
    ASSERT_TRUE(watcher.should_reload(stamp(2, 1)));
    EXPECT_TRUE(watcher.refused(stamp(2, 1)));
    EXPECT_TRUE(watcher.should_reload(stamp(2, 1)));
    EXPECT_FALSE(watcher.refused(stamp(2, 1)));
    ASSERT_TRUE(watcher.should_reload(stamp(3, 1)));
    EXPECT_TRUE(watcher.refused(stamp(3, 1))) << "another change, another report";
    ASSERT_TRUE(watcher.should_reload(stamp(3, 2)));
    watcher.accepted(stamp(3, 2));
    EXPECT_FALSE(watcher.should_reload(stamp(3, 2)));
}

TEST(CertificateWatcher, ForgetsAReportWhenTheChangeIsTakenBack) {
    CertificateWatcher watcher(stamp(1, 1));
    ASSERT_TRUE(watcher.should_reload(stamp(2, 1)));
    EXPECT_TRUE(watcher.refused(stamp(2, 1)));
    EXPECT_FALSE(watcher.should_reload(stamp(1, 1)));
    ASSERT_TRUE(watcher.should_reload(stamp(2, 1)));
    EXPECT_TRUE(watcher.refused(stamp(2, 1)));
}

}  // namespace
}  // namespace gh::net
