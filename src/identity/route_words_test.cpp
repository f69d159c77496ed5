#include "identity/route_words.hpp"

#include <gtest/gtest.h>

namespace gh::identity {
namespace {

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
