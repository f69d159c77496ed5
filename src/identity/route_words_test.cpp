#include "identity/route_words.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace gh::identity {
namespace {

TEST(TimesInCursors, ComeBackAsTheyWereAndCraftedOnesAreRefused) {
    const SystemTime now{std::chrono::microseconds(1'700'000'000'123'456)};
    EXPECT_EQ(time_of_key(key_of_time(now)).value(), now);
    EXPECT_EQ(time_of_key("0").value(), SystemTime{});
    const auto most =
        std::chrono::duration_cast<std::chrono::microseconds>(SystemTime::duration::max()).count();
    EXPECT_TRUE(time_of_key(std::to_string(most)));
    for (const auto& bad :
         {std::to_string(most + 1), std::to_string(std::numeric_limits<std::int64_t>::max()),
          std::to_string(std::numeric_limits<std::int64_t>::min()), std::string("-1"),
          std::string("9223372036854775808"), std::string(""), std::string("1x")}) {
        const auto read = time_of_key(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().reason, "cursor.malformed") << bad;
    }
}

TEST(WhatIsTold, ComesBesideWhereTheActorIsFrom) {
    const audit::Detail from{"issuer", "https://idp.example"};
    audit::Record of_user, of_key;
    of_user.details = of_key.details = {from};
    tell_user(of_user, User{.name = "ann"});
    tell_key(of_key, StoredKey{.name = "nightly"});
    ASSERT_EQ(of_user.details.size(), 4U);
    ASSERT_EQ(of_key.details.size(), 4U);
    EXPECT_EQ(of_user.details.front().name, "issuer");
    EXPECT_EQ(of_key.details.front().name, "issuer");
}

}  // namespace
}  // namespace gh::identity
