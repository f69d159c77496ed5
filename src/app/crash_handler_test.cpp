#include "app/crash_handler.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/file.hpp"
#include "base/sanitized.hpp"
#include "base/signal_stack.hpp"
#include "telemetry/crash_report.hpp"

namespace gh::app {

// With names that are not local to a file, as the symbol table has them.

[[gnu::noinline]] int crash_by_null(const int* nowhere) { return *nowhere + 1; }

[[gnu::noinline]] int crash_by_call(int (*nowhere)()) { return nowhere() + 1; }

// NOLINTNEXTLINE(misc-no-recursion): that is the fault
[[gnu::noinline]] std::size_t crash_by_depth(std::size_t depth) {
    volatile char room[512] = {};
    room[depth % sizeof room] = 1;
    return depth == ~std::size_t{0} ? 0
                                    : crash_by_depth(depth + 1) + static_cast<std::size_t>(room[0]);
}

[[gnu::noinline]] void throw_something() {
    throw std::runtime_error("a secret that nobody may read");
}

[[gnu::noinline]] void crash_by_exception() noexcept { throw_something(); }

namespace {

using testing::KilledBySignal;

class CrashHandler : public testing::Test {
 protected:
    void SetUp() override {
        if (sanitized) GTEST_SKIP() << "a sanitizer has its own handlers";
        GTEST_FLAG_SET(death_test_style, "threadsafe");
    }

    /// In the child.
    void watch() const {
        install_crash_handler("0.1.0");
        if (!keep_crashes_in(folder_)) std::abort();
    }
    [[nodiscard]] telemetry::CrashReport report() const {
        std::optional<telemetry::CrashReport> found;
        for (const auto& each : std::filesystem::directory_iterator(folder_)) {
            EXPECT_FALSE(found) << "one crash, one file";
            struct stat facts{};
            EXPECT_EQ(::stat(each.path().c_str(), &facts), 0);
            EXPECT_EQ(facts.st_mode & 0777, 0600U);
            const auto text = read_file_at(each.path(), telemetry::CrashReport::bytes_max);
            EXPECT_TRUE(text);
            EXPECT_FALSE(text->contains("a secret"));
            auto read = telemetry::parse_crash_report(*text);
            EXPECT_TRUE(read) << *text;
            if (read) found = *std::move(read);
        }
        EXPECT_TRUE(found);
        return found.value_or(telemetry::CrashReport{});
    }
    [[nodiscard]] static bool names(const telemetry::CrashReport& report,
                                    std::string_view function) {
        return std::ranges::any_of(
            report.frames, [&](const auto& frame) { return frame.function.contains(function); });
    }

    // The child of a threadsafe death test begins anew: both must know the same folder.
    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() /
        ("gatehouse-crash-" + std::to_string(::getuid()) + "-" +
         testing::UnitTest::GetInstance()->current_test_info()->name());
    const std::filesystem::path said_ = folder_.native() + ".said";
};

TEST_F(CrashHandler, ANullPointerIsWrittenDownAndEndsTheProcessAsBefore) {
    std::filesystem::remove_all(folder_);
    EXPECT_EXIT((watch(), crash_by_null(nullptr)), KilledBySignal(SIGSEGV), "gatehouse crashed");
    const auto written = report();
    EXPECT_TRUE(written.whole);
    EXPECT_EQ(written.signal, "SIGSEGV");
    EXPECT_EQ(written.address, "0x0");
    EXPECT_EQ(written.build_id, build_id());
    ASSERT_FALSE(written.frames.empty());
    EXPECT_TRUE(written.frames.front().function.contains("crash_by_null"));
    EXPECT_TRUE(names(written, "main"));
    std::filesystem::remove_all(folder_);
}

TEST_F(CrashHandler, AThreadWhoseStackIsFullStillWritesDownWhere) {
    std::filesystem::remove_all(folder_);
    const auto overflow = [this] {
        watch();
        std::jthread([] {
            keep_signal_stack();
            std::_Exit(static_cast<int>(crash_by_depth(0)));
        }).join();
    };
    EXPECT_EXIT(overflow(), KilledBySignal(SIGSEGV), "crash_by_depth");
    const auto written = report();
    EXPECT_TRUE(written.whole);
    ASSERT_GE(written.frames.size(), 64U);
    EXPECT_TRUE(written.frames.front().function.contains("crash_by_depth"));
    EXPECT_NE(written.thread, written.process);
    std::filesystem::remove_all(folder_);
}

TEST_F(CrashHandler, ACallIntoNowhereShowsWhoCalled) {
    std::filesystem::remove_all(folder_);
    EXPECT_EXIT((watch(), crash_by_call(nullptr)), KilledBySignal(SIGSEGV), "crash_by_call");
    const auto written = report();
    ASSERT_GE(written.frames.size(), 3U);
    EXPECT_EQ(written.frames[0].address, 0U);
    EXPECT_TRUE(written.frames[1].function.contains("crash_by_call"));
    EXPECT_TRUE(names(written, "ACallIntoNowhereShowsWhoCalled"));
    std::filesystem::remove_all(folder_);
}

TEST_F(CrashHandler, OfAnExceptionNobodyCaughtTheTypeIsSaidAndNotTheText) {
    std::filesystem::remove_all(folder_);
    EXPECT_EXIT((watch(), crash_by_exception()), KilledBySignal(SIGABRT), "St13runtime_error");
    const auto written = report();
    EXPECT_EQ(written.signal, "SIGABRT");
    EXPECT_EQ(written.exception, "St13runtime_error");
    EXPECT_EQ(written.address, "");
    EXPECT_TRUE(names(written, "crash_by_exception"));
    std::filesystem::remove_all(folder_);
}

TEST_F(CrashHandler, TwoThreadsAtOnceAreOneReport) {
    std::filesystem::remove_all(folder_);
    const auto both = [this] {
        watch();
        const int said = ::open(said_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (::dup2(said, STDERR_FILENO) < 0) std::abort();
        std::atomic<int> ready = 0;
        const auto crash = [&ready] {
            keep_signal_stack();
            ++ready;
            while (ready < 2) std::this_thread::yield();
            std::_Exit(crash_by_null(nullptr));
        };
        const std::jthread first(crash), second(crash);
    };
    EXPECT_EXIT(both(), KilledBySignal(SIGSEGV), "");
    const auto said = read_file_at(said_, telemetry::CrashReport::bytes_max);
    ASSERT_TRUE(said);
    EXPECT_EQ(said->find("gatehouse crashed"), said->rfind("gatehouse crashed")) << *said;
    EXPECT_EQ(said->find("thread: "), said->rfind("thread: ")) << *said;
    std::filesystem::remove(said_);
    EXPECT_EQ(report().signal, "SIGSEGV");
    std::filesystem::remove_all(folder_);
}

TEST_F(CrashHandler, AStandardErrorThatNobodyReadsHoldsNothingUp) {
    std::filesystem::remove_all(folder_);
    const auto crash = [this] {
        watch();
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_NONBLOCK) != 0) std::abort();
        const std::array<char, 4096> ballast{};
        while (::write(pipe[1], ballast.data(), ballast.size()) > 0) {
        }
        if (::fcntl(pipe[1], F_SETFL, 0) != 0) std::abort();
        if (::dup2(pipe[1], STDERR_FILENO) < 0) std::abort();
        return crash_by_null(nullptr);
    };
    EXPECT_EXIT(crash(), KilledBySignal(SIGSEGV), "");
    EXPECT_TRUE(report().whole);
    std::filesystem::remove_all(folder_);
}

TEST_F(CrashHandler, AFolderThatIsThereIsClosedToOthers) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::all);
    ASSERT_TRUE(keep_crashes_in(folder_));
    EXPECT_EQ(std::filesystem::status(folder_).permissions(), std::filesystem::perms::owner_all);
    std::filesystem::remove_all(folder_);
}

TEST_F(CrashHandler, WithoutAFolderStandardErrorHasIt) {
    const auto crash = [] {
        install_crash_handler("0.1.0");
        return crash_by_null(nullptr);
    };
    EXPECT_EXIT(crash(), KilledBySignal(SIGSEGV), "signal: 11 SIGSEGV");
}

}  // namespace
}  // namespace gh::app
