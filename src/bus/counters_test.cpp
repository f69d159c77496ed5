#include "bus/counters.hpp"

#include <gtest/gtest.h>

#include <string>

#include "bus/inbox.hpp"

namespace gh::bus {
namespace {

constexpr std::string_view agent = "018bcfe5-6800-7d5b-8de0-e1c49013ae10";

std::string line(std::string_view whom, std::string_view type) {
    return "vos_agent_notifications_total{agent_id=\"" + std::string(whom) +
           "\",notification_type=\"" + std::string(type) + "\"}";
}

TEST(Counters, OneSenderUsesUpTheSeriesForNobodyElse) {
    telemetry::Registry registry;
    Counters counters(registry);
    for (int i = 0; i < 3'000; ++i)
        counters.notified(Kind::notification, "eve", agent, "t" + std::to_string(i));
    counters.notified(Kind::notification, "bob", agent, "build.done");
    counters.notified(Kind::notification, "eve", agent, "build.done");
    counters.notified(Kind::task, house_sender, agent, "task.assigned");
    counters.notified(Kind::notification, "eve", "user:nobody-7", "t1");
    std::string page;
    registry.render(page);
    EXPECT_TRUE(page.contains(line(agent, "t1999") + " 1\n"));
    EXPECT_FALSE(page.contains(line(agent, "t2000")));
    EXPECT_TRUE(page.contains(line(agent, "other") + " 1000\n"));
    EXPECT_TRUE(page.contains(line(agent, "build.done") + " 2\n"));
    EXPECT_TRUE(page.contains(line(agent, "task.assigned") + " 1\n"));
    EXPECT_TRUE(page.contains(line("user", "other") + " 1\n")) << "whoever that may be";
    EXPECT_FALSE(page.contains("nobody-7"));
}

}  // namespace
}  // namespace gh::bus
