#include "http/message.hpp"

#include <gtest/gtest.h>

namespace gh::http {
namespace {

TEST(Message, KnowsMethodsByExactCase) {
    EXPECT_EQ(method_of("GET"), Method::get);
    EXPECT_EQ(method_of("get"), Method::other);
    EXPECT_EQ(method_of("DELETE"), Method::delete_);
    EXPECT_EQ(method_of("OPTIONS"), Method::options);
    EXPECT_EQ(method_of("PURGE"), Method::other);
    EXPECT_EQ(method_of(""), Method::other);
}

TEST(Message, HasAReasonForEveryRegisteredStatus) {
    EXPECT_EQ(reason_phrase(200), "OK");
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(299), "");
    EXPECT_EQ(reason_phrase(999), "");
}

TEST(Message, CallsIdempotentWhatMayBeSentAgain) {
    for (const auto text : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
        EXPECT_TRUE(is_idempotent(method_of(text))) << text;
    }
    for (const auto text : {"POST", "PATCH", "CONNECT", "PURGE"}) {
        EXPECT_FALSE(is_idempotent(method_of(text))) << text;
    }
}

}  // namespace
}  // namespace gh::http
