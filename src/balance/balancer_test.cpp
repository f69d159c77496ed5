#include "balance/balancer.hpp"

#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace gh::balance {
namespace {

const SteadyTime now(seconds(1000));

std::shared_ptr<Endpoint> endpoint(int number) {
    return std::make_shared<Endpoint>(
        "http://10.0.0." + std::to_string(number) + ":8000",
        EndpointHealthOptions{.unhealthy_after = 1, .healthy_after = 1, .eject_after = 1});
}

std::vector<std::shared_ptr<Endpoint>> endpoints(int count) {
    std::vector<std::shared_ptr<Endpoint>> all;
    for (int i = 0; i < count; ++i) all.push_back(endpoint(i));
    return all;
}

std::map<const Endpoint*, int> tally(Balancer& balancer, int requests) {
    std::map<const Endpoint*, int> counts;
    for (int i = 0; i < requests; ++i) {
        if (const auto lease = balancer.pick(now)) ++counts[&lease.endpoint()];
    }
    return counts;
}

TEST(Balancer, GoesRoundRobin) {
    const auto all = endpoints(3);
    Balancer balancer(Policy::round_robin, all);
    for (int i = 0; i < 9; ++i) {
        EXPECT_EQ(&balancer.pick(now).endpoint(), all[static_cast<std::size_t>(i % 3)].get());
    }
}

TEST(Balancer, SkipsTheUnhealthyAndSharesEvenlyAmongTheRest) {
    for (const auto policy : {Policy::round_robin, Policy::least_requests, Policy::hash}) {
        const auto all = endpoints(4);
        Balancer balancer(policy, all);
        all[1]->health.check_failed();
        all[2]->health.connect_failed(now);
        EXPECT_EQ(balancer.healthy_count(now), 2U);
        const auto counts = tally(balancer, 1200);
        EXPECT_EQ(counts.size(), 2U);
        EXPECT_EQ(counts.at(all[0].get()) + counts.at(all[3].get()), 1200);
        EXPECT_NEAR(counts.at(all[0].get()), 600, policy == Policy::least_requests ? 320 : 1);
    }
}

TEST(Balancer, FindsNobodyWhenAllAreUnhealthy) {
    for (const auto policy : {Policy::round_robin, Policy::least_requests, Policy::hash}) {
        const auto all = endpoints(2);
        Balancer balancer(policy, all);
        for (const auto& one : all) one->health.check_failed();
        EXPECT_FALSE(balancer.pick(now, 7));
        all[1]->health.check_passed();
        EXPECT_EQ(&balancer.pick(now, 7).endpoint(), all[1].get());
        Balancer empty(policy, {});
        EXPECT_FALSE(empty.pick(now, 7));
        EXPECT_EQ(empty.healthy_count(now), 0U);
    }
}

TEST(Balancer, KeepsAskingALoneEndpointThatRefusesConnections) {
    const auto all = endpoints(1);
    Balancer balancer(Policy::round_robin, all);
    all[0]->health.connect_failed(now);
    EXPECT_TRUE(all[0]->health.ejected(now));
    EXPECT_TRUE(balancer.pick(now));
    all[0]->health.check_failed();
    EXPECT_FALSE(balancer.pick(now));
}

TEST(Balancer, AvoidsTheEndpointThatJustFailedUnlessItIsTheLast) {
    for (const auto policy : {Policy::round_robin, Policy::least_requests, Policy::hash}) {
        const auto all = endpoints(2);
        Balancer balancer(policy, all);
        for (int i = 0; i < 10; ++i) {
            EXPECT_EQ(&balancer.pick(now, 7, all[0].get()).endpoint(), all[1].get());
            EXPECT_EQ(&balancer.pick(now, 7, all[1].get()).endpoint(), all[0].get());
        }
        all[1]->health.check_failed();
        EXPECT_EQ(&balancer.pick(now, 7, all[0].get()).endpoint(), all[0].get());
    }
}

TEST(Balancer, CountsWhatIsInFlightWhileALeaseLives) {
    const auto all = endpoints(1);
    Balancer balancer(Policy::round_robin, all);
    {
        auto first = balancer.pick(now);
        auto second = balancer.pick(now);
        EXPECT_EQ(all[0]->in_flight, 2U);
        auto moved = std::move(first);
        EXPECT_EQ(all[0]->in_flight, 2U);
        moved = balancer.pick(now);
        EXPECT_EQ(all[0]->in_flight, 2U) << "the one it held has ended";
    }
    EXPECT_EQ(all[0]->in_flight, 0U);
}

TEST(Balancer, SendsToTheLeastBusyAndInTurnAmongEquals) {
    const auto all = endpoints(3);
    Balancer balancer(Policy::least_requests, all);
    std::vector<Lease> held;
    for (int i = 0; i < 30; ++i) held.push_back(balancer.pick(now));
    for (const auto& one : all) EXPECT_EQ(one->in_flight, 10U);
    std::erase_if(held, [&](const Lease& lease) { return &lease.endpoint() == all[1].get(); });
    for (int i = 0; i < 10; ++i) {
        held.push_back(balancer.pick(now));
        EXPECT_EQ(&held.back().endpoint(), all[1].get());
    }
}

TEST(Balancer, SendsEqualAffinityToTheSameEndpointAndSpreadsTheRest) {
    Balancer balancer(Policy::hash, endpoints(5));
    std::map<const Endpoint*, int> counts;
    for (int client = 0; client < 10'000; ++client) {
        const auto affinity = affinity_of("client-" + std::to_string(client));
        const auto* first = &balancer.pick(now, affinity).endpoint();
        EXPECT_EQ(&balancer.pick(now, affinity).endpoint(), first);
        ++counts[first];
    }
    EXPECT_EQ(counts.size(), 5U);
    for (const auto& [one, count] : counts) EXPECT_NEAR(count, 2000, 200) << one->name;
}

TEST(Balancer, MovesOnlyTheShareOfAnEndpointThatGoesOrComes) {
    auto all = endpoints(5);
    Balancer before(Policy::hash, all);
    auto fewer = all;
    fewer.erase(fewer.begin() + 2);
    std::swap(fewer[0], fewer[3]);  // the order in the file does not matter
    Balancer after(Policy::hash, fewer);
    for (int client = 0; client < 5'000; ++client) {
        const auto affinity = affinity_of("client-" + std::to_string(client));
        const auto* was = &before.pick(now, affinity).endpoint();
        const auto* is = &after.pick(now, affinity).endpoint();
        EXPECT_TRUE(is == was || was == all[2].get());
        all[2]->health.check_failed();  // unhealthy moves the same clients to the same places
        EXPECT_EQ(&before.pick(now, affinity).endpoint(), is);
        all[2]->health.check_passed();
    }
}

TEST(Balancer, AgreesWithOtherProcessesAboutAffinity) {
    EXPECT_EQ(affinity_of("client-1"), 13044021768432743463U);
    const std::vector<std::uint8_t> bytes{'c', 'l', 'i', 'e', 'n', 't', '-', '1'};
    EXPECT_EQ(affinity_of(bytes), affinity_of("client-1"));
}

TEST(Balancer, UsesNoMoreEndpointsThanItsLimit) {
    Balancer balancer(Policy::round_robin, endpoints(Balancer::endpoints_max + 5));
    EXPECT_EQ(balancer.endpoints().size(), Balancer::endpoints_max);
}

TEST(Balancer, KeepsItsCountsOverAllThreads) {
    const auto all = endpoints(3);
    Balancer balancer(Policy::least_requests, all);
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 5'000; ++i) {
                    const auto lease = balancer.pick(now);
                    if (t == 0 && i % 16 == 0) all[0]->health.check_failed();
                    if (t == 1 && i % 16 == 0) all[0]->health.check_passed();
                    ASSERT_TRUE(lease);
                }
            });
        }
    }
    for (const auto& one : all) EXPECT_EQ(one->in_flight, 0U);
}

TEST(ConnectionAllowance, GivesOutItsPlacesAndNoMore) {
    ConnectionAllowance allowance(2);
    auto first = allowance.take();
    auto second = allowance.take();
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(allowance.take());
    second = {};
    EXPECT_TRUE(allowance.take());
    auto moved = std::move(first);
    EXPECT_EQ(allowance.open(), 1U);
    allowance.set_connections_max(1);
    EXPECT_FALSE(allowance.take());
}

TEST(ConnectionAllowance, HoldsOverAllThreads) {
    constexpr int places = 5;
    ConnectionAllowance allowance(places);
    std::atomic<int> held = 0;
    std::atomic<bool> exceeded = false;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 5'000; ++i) {
                const auto one = allowance.take();
                const auto two = allowance.take();
                const int mine = static_cast<bool>(one) + static_cast<bool>(two);
                if ((held += mine) > places) exceeded = true;
                held -= mine;
            }
        });
    }
    threads.clear();
    EXPECT_FALSE(exceeded);
    EXPECT_EQ(allowance.open(), 0U);
}

}  // namespace
}  // namespace gh::balance
