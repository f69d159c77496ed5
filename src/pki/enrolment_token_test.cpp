#include "pki/enrolment_token.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/id.hpp"

namespace gh::pki {
namespace {

class EnrolmentTokenTest : public testing::Test {
 protected:
    crypto::HmacKey key{crypto::HmacHash::sha256, crypto::Secret::random(32)};
    crypto::HmacKey other{crypto::HmacHash::sha256, crypto::Secret::random(32)};
    std::string id{view(uuid_v7(SystemTime(std::chrono::seconds(1'750'000'000))))};
};

TEST_F(EnrolmentTokenTest, IsGoodForItsIdAndItsHouse) {
    const auto token = enrolment_token(key, id);
    EXPECT_EQ(token.size(), enrolment_token_bytes);
    EXPECT_EQ(id_of_token(key, token), id);
    EXPECT_FALSE(id_of_token(other, token));
    EXPECT_EQ(enrolment_token(key, id), token);
}

TEST_F(EnrolmentTokenTest, WhatDiffersByAByteIsNone) {
    const auto token = enrolment_token(key, id);
    for (std::size_t i = 0; i < token.size(); ++i) {
        for (const char other_byte : {'A', 'b', '0', '_', '-', '\0', '\xff'}) {
            auto bent = token;
            if (bent[i] == other_byte) continue;
            bent[i] = other_byte;
            EXPECT_FALSE(id_of_token(key, bent)) << i;
        }
        EXPECT_FALSE(id_of_token(key, token.substr(0, i)));
    }
    EXPECT_FALSE(id_of_token(key, token + "A"));
    EXPECT_FALSE(id_of_token(key, ""));
}

}  // namespace
}  // namespace gh::pki
