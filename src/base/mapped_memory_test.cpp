#include "base/mapped_memory.hpp"

#include <gtest/gtest.h>

#include <new>

namespace gh {
namespace {

TEST(MappedMemory, BeginsAsZeroAndCanBeWrittenToItsEnds) {
    const MappedMemory memory(3 * 4096);
    ASSERT_EQ(memory.size(), 3U * 4096);
    EXPECT_EQ(memory.data()[0], std::byte{0});
    EXPECT_EQ(memory.data()[memory.size() - 1], std::byte{0});
    memory.data()[0] = memory.data()[memory.size() - 1] = std::byte{7};
    EXPECT_EQ(memory.data()[memory.size() - 1], std::byte{7});
}

TEST(MappedMemory, MovesWithItsContents) {
    MappedMemory first(4096);
    first.data()[5] = std::byte{9};
    MappedMemory second = std::move(first);
    EXPECT_EQ(second.data()[5], std::byte{9});
    EXPECT_EQ(first.size(), 0U);  // NOLINT(bugprone-use-after-move): what is left is the test
    first = std::move(second);
    EXPECT_EQ(first.data()[5], std::byte{9});
}

TEST(MappedMemory, SaysSoWhenThereIsNotEnough) {
    EXPECT_THROW(MappedMemory(std::size_t{1} << 62), std::bad_alloc);
}

}  // namespace
}  // namespace gh
