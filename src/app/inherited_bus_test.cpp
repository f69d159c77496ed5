#include <gtest/gtest.h>

#include <map>

#include "app/settings.hpp"
#include "crypto/burned.hpp"

namespace gh::app {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

Result<ReadSettings> read(const Variables& variables) {
    const Surroundings surroundings{.environment = config::Environment(variables),
                                    .check_secret = crypto::check_secret_strength};
    return read_settings_text(
        "listeners: [{name: a, bind: 127.0.0.1:1, serve: [gateway]}]\n"
        "upstreams: [{name: b, endpoints: [\"http://a\"]}]\n"
        "routes: [{match: {path: /a}, upstream: b, access: public}]\n"
        "bus: {conversation_messages_max_of: {weather-agent: 3, plan-agent: 4}}\n",
        "f", "/etc/gatehouse", {}, surroundings);
}

TEST(InheritedBus, ConversationsOfAllAndOfAgentsByTheirNames) {
    const auto result = read({{"MAX_CONVERSATION_MESSAGES", "7"},
                              {"WEATHER_AGENT_MAX_CONVERSATION_MESSAGES", "10"},
                              {"PRIMARY_AGENT_MAX_CONVERSATION_MESSAGES", "20"}});
    ASSERT_TRUE(result) << result.error().detail;
    const auto& bus = result->settings.bus;
    EXPECT_EQ(bus.conversation_messages_max, 7);
    EXPECT_EQ(bus::conversation_limit(bus, {"weather-agent"}), 10);
    EXPECT_EQ(bus::conversation_limit(bus, {"primary-agent"}), 20);
    EXPECT_EQ(bus::conversation_limit(bus, {"plan-agent"}), 4);
    EXPECT_EQ(bus::conversation_limit(bus, {"other"}), 7);
    for (const auto* name :
         {"MAX_CONVERSATION_MESSAGES", "WEATHER_AGENT_MAX_CONVERSATION_MESSAGES"}) {
        const auto bad = read({{name, "many"}});
        ASSERT_FALSE(bad);
        EXPECT_TRUE(bad.error().detail.contains(name)) << bad.error().detail;
    }
}

}  // namespace
}  // namespace gh::app
