#include "vault/secret_path.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::vault {
namespace {

TEST(SecretPath, TakesWhatNamesOnePlaceOnly) {
    const std::string long_one(secret_path_bytes_max, 'x');
    std::string deep = "a";
    for (std::size_t i = 1; i < secret_path_segments_max; ++i) deep += "/a";
    for (const auto& path :
         {std::string("a"), std::string("team/database"), std::string("a b/c.d-e_f"),
          std::string("Ä/ß"), std::string("..a/.b"), long_one, deep}) {
        EXPECT_TRUE(check_secret_path(path)) << path;
        EXPECT_EQ(check_secret_folder(path + "/").has_value(), true) << path;
    }
    for (const auto& path :
         {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"),
          std::string("."), std::string("a/../b"), std::string("a/.."), std::string("a\nb"),
          std::string("a\0b", 3), std::string("\xff"), long_one + "x", deep + "/a"}) {
        const auto checked = check_secret_path(path);
        ASSERT_FALSE(checked) << path;
        EXPECT_EQ(checked.error().reason, "secret.path");
    }
    EXPECT_TRUE(check_secret_folder(""));
    for (const auto* folder : {"a", "/", "a//", "../"})
        EXPECT_FALSE(check_secret_folder(folder)) << folder;
}

}  // namespace
}  // namespace gh::vault
