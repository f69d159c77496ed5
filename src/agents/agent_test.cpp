#include "agents/agent.hpp"

#include <gtest/gtest.h>

namespace gh::agents {
namespace {

TEST(AgentTest, StatusesHaveNamesBothWays) {
    for (const auto status : statuses) EXPECT_EQ(status_of(name_of(status)), status);
    EXPECT_FALSE(status_of("Online"));
    EXPECT_FALSE(status_of(""));
}

TEST(AgentTest, EveryStepThatThereIs) {
    std::string ways;
    for (const auto from : statuses) {
        for (const auto to : statuses) {
            if (may_move(from, to))
                ways += std::string(name_of(from)) + ">" + std::string(name_of(to)) + " ";
        }
    }
    EXPECT_EQ(ways,
              "pending>online pending>retired "
              "online>degraded online>offline online>quarantined online>retired "
              "degraded>online degraded>offline degraded>quarantined degraded>retired "
              "offline>online offline>degraded offline>quarantined offline>retired "
              "quarantined>offline quarantined>retired ");
}

TEST(AgentTest, HostnamesAreThoseOfRfc1123InLowerCase) {
    for (const std::string_view good :
         {"a", "build-7", "build-7.example.com", "7.example", "a.b.c.d"})
        EXPECT_TRUE(valid_hostname(good)) << good;
    const std::string long_label(64, 'a');
    const std::string long_name = std::string(62, 'a') + "." + std::string(63, 'b') + "." +
                                  std::string(63, 'c') + "." + std::string(63, 'd');
    for (const std::string& bad : {std::string(), std::string("A"), std::string("a..b"),
                                   std::string("a."), std::string("-a"), std::string("a-"),
                                   std::string("a_b"), std::string("a b"), long_label, long_name})
        EXPECT_FALSE(valid_hostname(bad)) << bad;
    EXPECT_TRUE(valid_hostname(long_name.substr(1)));
}

TEST(AgentTest, WordsAreLowerCaseAndBeginWithALetterOrDigit) {
    for (const std::string_view good : {"gpu", "zone-1", "example.com/role", "7"})
        EXPECT_TRUE(valid_word(good)) << good;
    for (const std::string_view bad : {"", "-a", "GPU", "a b", "a=b", "ä"})
        EXPECT_FALSE(valid_word(bad)) << bad;
}

}  // namespace
}  // namespace gh::agents
