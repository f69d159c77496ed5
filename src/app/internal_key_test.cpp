#include "app/internal_key.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "base/temporary_directory.hpp"
#include "net/run_task.hpp"
#include "pki/key_store.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {
namespace {

using std::chrono::days;

class InternalKeyTest : public ::testing::Test {
 protected:
    bool keep(SystemTime at) {
        const auto made = net::run_to_end(keep_internal_key(*state_, keys_, at));
        EXPECT_TRUE(made) << describe(made.error());
        return made.value_or(false);
    }
    std::string kept() { return std::string(crypto::text_of(keys_.load("internal-key")->bytes())); }
    std::string recognised(const std::string& text, SystemTime at) {
        const auto who = net::run_to_end(state_->keys.recognise(text, at));
        return who ? (*who)->subject : std::string(who.error().reason);
    }

    TemporaryDirectory directory_;
    pki::FileKeyStore keys_ = *pki::FileKeyStore::open(directory_.path() / "keys");
    telemetry::Registry registry_;
    Settings settings_ = [this] {
        Settings settings;
        settings.data_dir = directory_.path();
        return settings;
    }();
    std::unique_ptr<State> state_ = *State::open(settings_, keys_, registry_, nullptr);
    const SystemTime now_ = std::chrono::system_clock::now();
};

TEST_F(InternalKeyTest, IsMadeOnceAndReplacedBeforeItEnds) {
    EXPECT_TRUE(keep(now_));
    const auto first = kept();
    EXPECT_EQ(recognised(first, now_), "internal");
    EXPECT_FALSE(keep(now_ + days(29)));
    EXPECT_EQ(kept(), first);
    EXPECT_TRUE(keep(now_ + days(31)));
    const auto second = kept();
    EXPECT_NE(second, first);
    EXPECT_EQ(recognised(first, now_ + days(59)), "internal");
    EXPECT_EQ(recognised(first, now_ + days(61)), "key.expired");
    EXPECT_EQ(recognised(second, now_ + days(61)), "internal");
}

TEST_F(InternalKeyTest, IsMadeAnewWhenItWasRevoked) {
    EXPECT_TRUE(keep(now_));
    const auto first = kept();
    const auto id = std::string(*identity::api_key_id(first));
    ASSERT_TRUE(net::run_to_end(state_->keys.revoke(id, now_)));
    EXPECT_TRUE(keep(now_));
    EXPECT_NE(kept(), first);
}

}  // namespace
}  // namespace gh::app
