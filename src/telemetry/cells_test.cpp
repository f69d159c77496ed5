#include "telemetry/cells.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace gh::telemetry {
namespace {

TEST(Cells, EveryShardAndTheSharedOneAddUpToTheLastUnit) {
    constexpr std::uint64_t rounds = 20'000;
    CellStore store;
    const auto place = store.take(1);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 12; ++i) {
        threads.emplace_back([&, i] {
            set_shard(i < 8 ? i + 1 : 0);  // eight workers, four others that share
            for (std::uint64_t k = 0; k < rounds; ++k) place.block->local().add(place.slot, 3);
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(place.block->sum(place.slot), 12 * rounds * 3);
}

TEST(Cells, AShardBeyondTheLastOneIsTheSharedOne) {
    std::thread([] {
        set_shard(shards_max - 1);
        EXPECT_EQ(shard(), shards_max - 1);
        set_shard(shards_max);
        EXPECT_EQ(shard(), 0u);
    }).join();
}

TEST(Cells, WhatAWorkerLeftIsKeptForTheNextOneOfItsShard) {
    CellStore store;
    const auto place = store.take(1);
    for (int i = 0; i < 3; ++i) {
        std::thread([&] {
            set_shard(7);
            place.block->local().add(place.slot, 5);
        }).join();
    }
    EXPECT_EQ(place.block->sum(place.slot), 15u);
}

TEST(Cells, SettingReplacesWhatAllShardsCounted) {
    CellStore store;
    const auto place = store.take(1);
    std::thread([&] {
        set_shard(3);
        place.block->local().add(place.slot, 40);
    }).join();
    place.block->local().add(place.slot, 2);
    place.block->set(place.slot, 7);
    EXPECT_EQ(place.block->sum(place.slot), 7u);
    std::thread([&] {
        set_shard(3);
        place.block->local().add(place.slot, 1);
    }).join();
    EXPECT_EQ(place.block->sum(place.slot), 8u);
}

TEST(Cells, PlacesDoNotOverlapAndStayWithinTheirBlock) {
    CellStore store;
    std::vector<CellStore::Place> places;
    constexpr std::size_t sizes[] = {1, 15, 65, 512, 1, 511, 2};
    for (const auto size : sizes) places.push_back(store.take(size));
    for (std::size_t i = 0; i < places.size(); ++i) {
        EXPECT_LE(places[i].slot + sizes[i], CellBlock::cells_max);
        for (std::size_t k = 0; k < sizes[i]; ++k)
            places[i].block->local().add(places[i].slot + k, i + 1);
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        for (std::size_t k = 0; k < sizes[i]; ++k)
            EXPECT_EQ(places[i].block->sum(places[i].slot + k), i + 1);
    }
}

}  // namespace
}  // namespace gh::telemetry
