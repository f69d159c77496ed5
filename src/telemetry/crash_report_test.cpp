#include "telemetry/crash_report.hpp"

#include <gtest/gtest.h>

namespace gh::telemetry {
namespace {

constexpr std::string_view whole =
    "gatehouse crashed\n"
    "time: 20260131T235959Z\n"
    "version: 0.1.0\n"
    "build id: 1abb9170ee63e22979b590753c0935cf7706092e\n"
    "process: 12\n"
    "thread: 34 worker-0\n"
    "signal: 11 SIGSEGV\n"
    "address: 0x0\n"
    "loaded: 0x555555554000 0x2f00000\n"
    "stack:\n"
    "#0 0x555555555000 gatehouse+0x1000 _ZN2gh3netC1Ev+0x10\n"
    "#1 0x7f0000000001 libstdc++.so.6+0x1\n"
    "#2 0x1\n"
    "end\n";

TEST(CrashReport, IsReadAsItWasWritten) {
    const auto report = parse_crash_report(whole);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->time, "20260131T235959Z");
    EXPECT_EQ(report->version, "0.1.0");
    EXPECT_EQ(report->build_id, "1abb9170ee63e22979b590753c0935cf7706092e");
    EXPECT_EQ(report->process, 12);
    EXPECT_EQ(report->thread, 34);
    EXPECT_EQ(report->thread_name, "worker-0");
    EXPECT_EQ(report->signal, "SIGSEGV");
    EXPECT_EQ(report->address, "0x0");
    EXPECT_EQ(report->exception, "");
    EXPECT_EQ(report->loaded, 0x555555554000U);
    EXPECT_EQ(report->size, 0x2f00000U);
    EXPECT_TRUE(report->whole);
    const std::vector<CrashFrame> frames{
        {0x555555555000, "gatehouse", 0x1000, "_ZN2gh3netC1Ev", 0x10},
        {0x7f0000000001, "libstdc++.so.6", 1, "", 0},
        {1, "", 0, "", 0}};
    EXPECT_EQ(report->frames, frames);
}

TEST(CrashReport, OneThatWasCutIsReadAsFarAsItGoes) {
    const auto until = whole.find("#2");
    for (auto size = whole.find("SIGSEGV") + 8; size < whole.size(); ++size) {
        const auto report = parse_crash_report(whole.substr(0, size));
        ASSERT_TRUE(report) << size;
        EXPECT_EQ(report->whole, false);
        EXPECT_LE(report->frames.size(), size < until ? 2U : 3U);
    }
    EXPECT_FALSE(parse_crash_report(whole.substr(0, whole.find("signal:"))));
}

TEST(CrashReport, WhatIsNoneIsRefused) {
    const auto with = [](std::string_view line) {
        return "gatehouse crashed\nsignal: 6 SIGABRT\n" + std::string(line) + "\n";
    };
    EXPECT_TRUE(parse_crash_report(with("exception: St13runtime_error")));
    for (const std::string_view line :
         {"", "colour: blue", "#0", "#0 1", "#0 0x", "#0 0x1 a", "#0 0x1 a+1", "#0 0x1 a+0x1 b",
          "version: a\x1b[31m", "version: caf\xc3\xa9"}) {
        const auto report = parse_crash_report(with(line));
        ASSERT_FALSE(report) << line;
        EXPECT_EQ(report.error().reason, "crash.malformed");
    }
    EXPECT_FALSE(parse_crash_report(""));
    EXPECT_FALSE(parse_crash_report("gatehouse"));
    std::string many = with("stack:");
    for (std::size_t i = 0; i < CrashReport::frames_max; ++i) many += "#1 0x1\n";
    EXPECT_TRUE(parse_crash_report(many));
    EXPECT_FALSE(parse_crash_report(many + "#1 0x1\n"));
    EXPECT_FALSE(parse_crash_report(std::string(CrashReport::bytes_max + 1, 'a')));
}

}  // namespace
}  // namespace gh::telemetry
