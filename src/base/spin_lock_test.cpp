#include "base/spin_lock.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

namespace gh {
namespace {

TEST(SpinLock, LetsOneInAtATime) {
    SpinLock lock;
    std::uint64_t count = 0;  // plain: a lost update or a race report tells
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 20'000; ++i) {
                const std::lock_guard guard(lock);
                ++count;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(count, 80'000U);
}

TEST(SpinLock, CanBeTried) {
    SpinLock lock;
    EXPECT_TRUE(lock.try_lock());
    EXPECT_FALSE(lock.try_lock());
    lock.unlock();
    EXPECT_TRUE(lock.try_lock());
}

}  // namespace
}  // namespace gh
