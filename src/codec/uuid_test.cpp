#include "codec/uuid.hpp"

#include <gtest/gtest.h>

#include "base/id.hpp"

namespace gh::codec {
namespace {

TEST(UuidTest, IsThirtySixCharactersInLowerCase) {
    EXPECT_TRUE(is_uuid(view(uuid_v4())));
    EXPECT_TRUE(is_uuid(view(uuid_v7(std::chrono::system_clock::now()))));
    EXPECT_TRUE(is_uuid("00000000-0000-0000-0000-000000000000"));
    for (const auto* text :
         {"", "7", "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000",
          "0000000000000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000G",
          "00000000-0000-0000-0000-00000000000A", "{0000000-0000-0000-0000-00000000000}"})
        EXPECT_FALSE(is_uuid(text)) << text;
}

}  // namespace
}  // namespace gh::codec
