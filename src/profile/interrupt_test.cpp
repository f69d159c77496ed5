#include "profile/interrupt.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>

namespace gh::profile {
namespace {

struct Spinner {
    std::atomic<pid_t> thread{0};
    std::atomic<bool> enough{false};
};

[[gnu::noinline]] void spin(Spinner& spinner) {
    spinner.thread = ::gettid();
    spinner.thread.notify_all();
    while (!spinner.enough) {
    }
}

void* run(void* spinner) {
    spin(*static_cast<Spinner*>(spinner));
    return nullptr;
}

TEST(InterruptTest, AFaultInTheHandlerIsToldLikeAnyOther) {
    install_interrupt();
    struct sigaction action{};
    ASSERT_EQ(::sigaction(SIGPROF, nullptr, &action), 0);
    for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
        EXPECT_EQ(::sigismember(&action.sa_mask, fault), 0) << fault;
    EXPECT_EQ(::sigismember(&action.sa_mask, SIGTERM), 1);
}

TEST(InterruptTest, ReadsNothingAboveTheThreadsOwnStack) {
    install_interrupt();
    constexpr std::size_t stack_bytes = std::size_t{256} << 10, above_bytes = std::size_t{64} << 10;
    auto* memory =
        static_cast<std::byte*>(::mmap(nullptr, stack_bytes + above_bytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(memory, MAP_FAILED);
    pthread_attr_t attributes;
    ASSERT_EQ(::pthread_attr_init(&attributes), 0);
    ASSERT_EQ(::pthread_attr_setstack(&attributes, memory, stack_bytes), 0);
    Spinner spinner;
    pthread_t thread{};
    ASSERT_EQ(::pthread_create(&thread, &attributes, &run, &spinner), 0);
    spinner.thread.wait(0);
    const auto map = MemoryMap::read();  // has stack and neighbour as one piece
    ASSERT_EQ(::munmap(memory + stack_bytes, above_bytes), 0);
    for (int i = 0; i < 20; ++i) {
        const auto stack = stack_of(spinner.thread, map);
        ASSERT_TRUE(stack);
        EXPECT_GE(stack->depth, 2U);
    }
    spinner.enough = true;
    ASSERT_EQ(::pthread_join(thread, nullptr), 0);
    ::pthread_attr_destroy(&attributes);
    ::munmap(memory, stack_bytes);
}

}  // namespace
}  // namespace gh::profile
