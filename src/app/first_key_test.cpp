#include "app/first_key.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/temporary_directory.hpp"
#include "crypto/digest.hpp"
#include "identity/build_trust.hpp"
#include "pki/key_store.hpp"

namespace gh::app {
namespace {

class FirstKeyTest : public ::testing::Test {
 protected:
    [[nodiscard]] Result<FirstKey> first() {
        auto keys = pki::FileKeyStore::open(directory_);
        EXPECT_TRUE(keys) << describe(keys.error());
        return first_key(*keys);
    }
    [[nodiscard]] std::string stored() const {
        std::ifstream file(file_);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    [[nodiscard]] static bool opens(const FirstKey& key, std::string_view text) {
        identity::AuthConfig config;
        config.api_keys = {key.config};
        const auto hasher = std::make_shared<const identity::ApiKeyHasher>(crypto::Secret("k"));
        const auto trust = identity::build_trust(config, hasher, nullptr, {});
        return trust && (*trust)->api_keys().find(text, SystemTime{});
    }

    TemporaryDirectory home_;
    std::filesystem::path directory_ = home_.path() / "keys";
    std::filesystem::path file_ = directory_ / "first-api-key";
};

TEST_F(FirstKeyTest, IsShownOnceAndKeptAsAHash) {
    const auto made = first();
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_TRUE(made->text.starts_with("gh_first-key_"));
    EXPECT_EQ(made->config.roles, std::vector<std::string>{"user"});
    EXPECT_TRUE(opens(*made, made->text));
    EXPECT_EQ(stored(), crypto::sha256_hex(made->text)) << "nobody reads the key out of the file";
    struct stat facts{};
    ASSERT_EQ(::stat(file_.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0600U);

    const auto again = first();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->text, "");
    EXPECT_EQ(again->config, made->config);
    EXPECT_TRUE(opens(*again, made->text)) << "still the same key";
}

TEST_F(FirstKeyTest, IsAnotherOneWhenTheFileWasRemoved) {
    const auto made = first();
    ASSERT_TRUE(made);
    std::filesystem::remove(file_);
    const auto again = first();
    ASSERT_TRUE(again);
    EXPECT_NE(again->text, "");
    EXPECT_FALSE(opens(*again, made->text));
}

TEST_F(FirstKeyTest, IsNotMadeAnewOverAFileThatCannotBeTrusted) {
    ASSERT_TRUE(first());
    const auto before = stored();
    ASSERT_EQ(::chmod(file_.c_str(), 0644), 0);
    const auto refused = first();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "key_store.open_to_others");
    EXPECT_TRUE(refused.error().detail.contains("chmod 600")) << refused.error().detail;
    EXPECT_EQ(stored(), before);
}

TEST_F(FirstKeyTest, ADamagedFileOpensToNobodyAndSaysWhatToDo) {
    ASSERT_TRUE(first());
    for (const std::string damaged :
         {"", "e3b0", "not hexadecimal, though exactly as long as a digest is: 64 octets ......"}) {
        std::ofstream(file_) << damaged;
        const auto refused = first();
        ASSERT_FALSE(refused) << damaged;
        EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
        EXPECT_EQ(refused.error().reason, "first_key.unreadable");
        EXPECT_TRUE(refused.error().detail.contains("remove keys/first-api-key"))
            << refused.error().detail;
    }
}

}  // namespace
}  // namespace gh::app
