#include "export/log_queue.hpp"

#include <gtest/gtest.h>

namespace gh::exporting {
namespace {

using Added = LogQueue::Added;

class LogQueueTest : public ::testing::Test {
 protected:
    LogQueueTest() { telemetry::set_shard(1); }
    ~LogQueueTest() override { telemetry::set_shard(0); }

    LogQueue queue_{1'280, 640};  // bytes in all, and in a batch
    LogQueue::Batch batch_;
};

TEST_F(LogQueueTest, TakesUpToItsBoundAndNoByteMore) {
    EXPECT_EQ(queue_.add(std::string(639, 'a')), Added::yes);
    EXPECT_EQ(queue_.add("b"), Added::batch_is_full);
    EXPECT_EQ(queue_.add(std::string(640, 'c')), Added::batch_is_full);
    EXPECT_EQ(queue_.add("d"), Added::no_room);
    ASSERT_TRUE(queue_.take(1, batch_));
    EXPECT_EQ(batch_.text, std::string(639, 'a') + "b" + std::string(640, 'c'));
    EXPECT_FALSE(queue_.take(1, batch_)) << "that was all";
}

TEST_F(LogQueueTest, WhatIsBeingWrittenCountsUntilItIsGivenBack) {
    EXPECT_EQ(queue_.add(std::string(1'280, 'a')), Added::batch_is_full);
    ASSERT_TRUE(queue_.take(1, batch_));
    EXPECT_EQ(queue_.add("b"), Added::no_room);
    queue_.give_back(batch_);
    EXPECT_EQ(batch_.text, "");
    EXPECT_EQ(queue_.add("b"), Added::yes);
}

TEST_F(LogQueueTest, OneBoundHoldsOverAllShards) {
    EXPECT_EQ(queue_.add(std::string(700, 'a')), Added::batch_is_full);
    telemetry::set_shard(2);
    EXPECT_EQ(queue_.add(std::string(700, 'b')), Added::no_room);
    EXPECT_EQ(queue_.add(std::string(500, 'b')), Added::yes) << "a line too long takes no room";
    EXPECT_FALSE(queue_.take(3, batch_));
}

TEST_F(LogQueueTest, AfterTheEndNothingIsTaken) {
    EXPECT_EQ(queue_.add("a"), Added::yes);
    queue_.shut();
    EXPECT_EQ(queue_.add("b"), Added::no_room);
    EXPECT_TRUE(queue_.take(1, batch_)) << "what was there before is still written";
    EXPECT_EQ(batch_.text, "a");
}

}  // namespace
}  // namespace gh::exporting
