#include <gtest/gtest.h>

#include "app/testing.hpp"

namespace gh::app {
namespace {

TEST(Reload, TheDataDirectoryCannotChange) {
    const auto current = settings_of("data_dir: /a\n");
    EXPECT_TRUE(check_reload(current, settings_of("data_dir: /a\nworkers: 3\n")));
    const auto refused = check_reload(current, settings_of("data_dir: /b\n"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "config.reload");
    EXPECT_EQ(refused.error().detail,
              "data_dir: cannot change from \"/a\" to \"/b\" while running, wanted: a restart");
}

TEST(Reload, NamesWhatWaitsForTheNextStart) {
    const auto current = settings_of("workers: 2\ntelemetry: {release: \"1\"}\n");
    using Keys = std::vector<std::string_view>;
    EXPECT_EQ(keys_for_next_start(current, current), Keys{});
    EXPECT_EQ(keys_for_next_start(current,
                                  settings_of("workers: 2\n"
                                              "telemetry: {release: \"1\", log_level: debug}\n")),
              Keys{})
        << "the level changes at once";
    EXPECT_EQ(
        keys_for_next_start(
            current, settings_of("workers: 2\ntelemetry: {release: \"1\", redaction: {kinds: "
                                 "[email, card], pseudonyms: true, allow: [\"*@a.example\"]}}\n")),
        Keys{})
        << "so does redaction";
    EXPECT_EQ(
        keys_for_next_start(current,
                            settings_of("telemetry: {environment: staging, access_log: {path: "
                                        "none}}\n")),
        (Keys{"workers", "telemetry.access_log", "telemetry.environment", "telemetry.release"}));
}

}  // namespace
}  // namespace gh::app
