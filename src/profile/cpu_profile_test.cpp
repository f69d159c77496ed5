#include "profile/cpu_profile.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "profile/pprof.hpp"
#include "profile/thread_clock.hpp"

namespace gh::profile {

/// Burns so much processor time, however busy the machine is. Named in the tests, so outside any anonymous namespace.
[[gnu::noinline]] std::uint64_t burn_here(milliseconds time) {
    std::uint64_t sum = 1;
    const auto until = cpu_time_of(::gettid()).value() + time;
    while (cpu_time_of(::gettid()).value() < until) {
        for (int i = 0; i < 100'000; ++i) sum = sum * 6364136223846793005U + 1;
    }
    return sum;
}
[[gnu::noinline]] std::uint64_t call_what_burns(milliseconds time) { return burn_here(time) + 1; }

namespace {

/// Of a time in which one thread burns 300 ms and another waits.
std::shared_ptr<CpuProfile> profile_of_burning() {
    install_interrupt();
    std::atomic<bool> begin = false, enough = false;
    std::atomic<std::uint64_t> sum;
    std::jthread waiting([&] { enough.wait(false); });
    std::jthread burning([&] {
        begin.wait(false);
        sum = call_what_burns(milliseconds(300));
    });
    auto profile = CpuProfile::start(seconds(1)).value();
    begin = true;
    begin.notify_all();
    burning.join();
    profile->stop();
    enough = true;
    enough.notify_all();
    return profile;
}

Profile to_profile(const CpuProfile& taken) {
    Profile profile{.types = {{"samples", "count"}}, .stacks = {}, .period_type = {"cpu", "x"}};
    for (const auto& each : taken.counted())
        profile.stacks.push_back({each.frames, {static_cast<std::int64_t>(each.count)}, "t"});
    return profile;
}

TEST(CpuProfile, CountsWhoWorksAndNotWhoWaits) {
    Names names;
    const auto taken = profile_of_burning();
    std::uint64_t all = 0, burning = 0, whole = 0;
    for (const auto& each : taken->counted()) {
        all += each.count;
        const auto& frames = each.frames;
        for (std::size_t i = 0; i < frames.size(); ++i) {
            if (!names.of(frames[i]).name.contains("burn_here(")) continue;
            burning += each.count;
            const bool called =
                i + 1 < frames.size() && names.of(frames[i + 1]).name.contains("call_what_burns(");
            whole += called ? each.count : 0;
            break;
        }
    }
    EXPECT_GE(burning, 10U);
    EXPECT_GE(burning * 10, all * 8);
    EXPECT_GE(whole * 10, burning * 9) << "the caller is known, too";
    EXPECT_EQ(taken->dropped(), 0U);
    EXPECT_GE(taken->duration(), milliseconds(300));
}

TEST(CpuProfile, IsOneAtATime) {
    install_interrupt();
    const auto first = CpuProfile::start(seconds(1));
    ASSERT_TRUE(first);
    const auto second = CpuProfile::start(seconds(1));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason, "profile.running");
    (*first)->stop();
    EXPECT_TRUE(CpuProfile::start(seconds(1))) << "and this one ends with its owner";
    EXPECT_TRUE(CpuProfile::start(seconds(1)));
}

TEST(Pprof, FoldsStacksOutermostFirst) {
    Names names;
    const auto text = to_folded(to_profile(*profile_of_burning()), names);
    const auto caller = text.find(";gh::profile::call_what_burns(");
    ASSERT_NE(caller, std::string::npos) << text;
    const auto behind = text.substr(caller, text.find('\n', caller) - caller);
    EXPECT_TRUE(behind.contains(";gh::profile::burn_here(")) << behind;
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        EXPECT_TRUE(line.starts_with("t;")) << line;
        rest.remove_prefix(line.size() + 1);
    }
}

TEST(Pprof, SaysEachTextOnce) {
    Names names;
    const Profile profile{.types = {{"samples", "count"}},
                          .stacks = {{{1, 2}, {3}, "one"}, {{1}, {4}, "two"}},
                          .period_type = {"cpu", "nanoseconds"}};
    const auto text = to_pprof(profile, names);
    const auto count = [&](std::string_view part) {
        std::size_t found = 0;
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
            ++found;
        return found;
    };
    EXPECT_EQ(count("thread"), 1U);
    EXPECT_EQ(count("samples"), 1U);
    EXPECT_EQ(count("0x1"), 1U);
    EXPECT_EQ(gzip(text).substr(0, 2), "\x1f\x8b");
}

}  // namespace
}  // namespace gh::profile
