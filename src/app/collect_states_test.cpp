#include "app/collect_states.hpp"

#include <gtest/gtest.h>

#include "app/testing.hpp"

namespace gh::app {
namespace {

TEST(CollectStates, SaysOfEachUpstreamHowItIsWhenAsked) {
    telemetry::Registry registry;
    auto snapshot = std::make_shared<gateway::Snapshot>();
    snapshot->upstreams.push_back(make_upstream(
        {.name = "b",
         .endpoints = {{.host = "127.0.0.1", .port = 1}, {.host = "127.0.0.1", .port = 2}},
         .circuit_breaker = {.failures = 1}},
        registry));
    std::shared_ptr<const gateway::Snapshot> current = snapshot;
    collect_states(registry, [&current] { return current; });
    const auto page = [&registry] {
        std::string text;
        registry.render(text);
        return text;
    };
    const auto well = page();
    for (const auto* line : {"gatehouse_circuit_state{upstream=\"b\",state=\"closed\"} 1\n",
                             "gatehouse_circuit_state{upstream=\"b\",state=\"open\"} 0\n",
                             "gatehouse_upstream_endpoints_healthy{upstream=\"b\"} 2\n",
                             "gatehouse_upstream_connections_open{upstream=\"b\"} 0\n"}) {
        EXPECT_TRUE(well.contains(line)) << line << well;
    }

    auto& upstream = *snapshot->upstreams[0];
    const auto now = std::chrono::steady_clock::now();
    upstream.breaker().try_pass(now)->failed(now);
    for (int i = 0; i < 3; ++i) upstream.targets()[0]->endpoint->health.check_failed();
    const auto place = upstream.connections().take();
    const auto ill = page();
    for (const auto* line : {"gatehouse_circuit_state{upstream=\"b\",state=\"closed\"} 0\n",
                             "gatehouse_circuit_state{upstream=\"b\",state=\"open\"} 1\n",
                             "gatehouse_upstream_endpoints_healthy{upstream=\"b\"} 1\n",
                             "gatehouse_upstream_connections_open{upstream=\"b\"} 1\n"}) {
        EXPECT_TRUE(ill.contains(line)) << line << ill;
    }

    current = std::make_shared<const gateway::Snapshot>();
    EXPECT_FALSE(page().contains("upstream=\"b\",state")) << "gone with a reload";
}

}  // namespace
}  // namespace gh::app
