#include "app/tls_material.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace gh::app {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct TlsMaterialTest : ::testing::Test {
    TlsMaterialTest() {
        std::string pattern = ::testing::TempDir() + "tls_material_XXXXXX";
        directory = ::mkdtemp(pattern.data());
    }
    ~TlsMaterialTest() override { std::filesystem::remove_all(directory); }

    [[nodiscard]] static net::ListenerConfig listener() {
        net::ListenerConfig config;
        config.name = "public";
        config.tls.emplace();
        return config;
    }

    std::filesystem::path directory;
    telemetry::NoLog nowhere;
    telemetry::Log log{nowhere};
    Settings settings;
    const SystemTime now = std::chrono::system_clock::now();
};

TEST_F(TlsMaterialTest, AsksForTheLeafsRenewalLessAndLessOftenWhileItFails) {
    auto material = TlsMaterial::open(directory, now);
    ASSERT_TRUE(material) << describe(material.error());
    ASSERT_TRUE(material->context(listener(), {"localhost"}, now));
    EXPECT_FALSE(material->changed(settings, now, log));

    const auto due = now + hours(24 * 365 * 50);  // the root has ended, too: nothing can be issued
    EXPECT_FALSE(material->context(listener(), {"localhost"}, due));
    std::vector<long> asked;
    for (long second = 0; second < 20'000; ++second) {
        if (material->changed(settings, due + seconds(second), log)) asked.push_back(second);
    }
    const std::vector<long> expected{0,    10,   30,   70,   150,   310,   630,
                                     1270, 2550, 5110, 8710, 12310, 15910, 19510};
    EXPECT_EQ(asked, expected);

    EXPECT_TRUE(material->changed(settings, due - hours(24), log)) << "the clock was set back";
}

TEST_F(TlsMaterialTest, BeginsAnewOnceTheLeafIsRenewed) {
    auto material = TlsMaterial::open(directory, now);
    ASSERT_TRUE(material) << describe(material.error());
    auto at = now;
    ASSERT_TRUE(material->context(listener(), {"localhost"}, at));
    int renewed = 0;
    for (int day = 0; day < 400; ++day) {
        at += hours(24);
        if (!material->changed(settings, at, log)) continue;
        ++renewed;
        ASSERT_TRUE(material->context(listener(), {"localhost"}, at)) << day;
        EXPECT_FALSE(material->changed(settings, at, log)) << "it has just been renewed";
    }
    EXPECT_GE(renewed, 2);
}

}  // namespace
}  // namespace gh::app
