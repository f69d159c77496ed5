#include "export/log_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>
#include <vector>

namespace gh::exporting {
namespace {

namespace fs = std::filesystem;
using telemetry::Registry;

constexpr milliseconds patience{20'000};  // for a busy machine; nothing here waits that long

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

class LogWriterTest : public ::testing::Test {
 protected:
    LogWriterTest() {
        std::string name = (fs::temp_directory_path() / "gatehouse-log-XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
        path_ = directory_ / "access.log";
    }
    ~LogWriterTest() override { fs::remove_all(directory_); }

    std::unique_ptr<LogWriter> open(LogWriterOptions options) {
        options.name = "access";
        if (options.path == "stdout") options.path = path_.string();
        auto writer = LogWriter::open(std::move(options), registry_);
        EXPECT_TRUE(writer.has_value());
        return *std::move(writer);
    }
    std::unique_ptr<LogWriter> open() { return open(LogWriterOptions{}); }

    std::uint64_t count(std::string name) {
        return registry_.counter({.name = std::move(name), .help = "h", .labels = {"log"}})
            .with({"access"})
            .value();
    }
    std::uint64_t dropped() { return count("gatehouse_log_lines_dropped_total"); }
    std::uint64_t errors() { return count("gatehouse_log_write_errors_total"); }

    Registry registry_;
    fs::path directory_;
    fs::path path_;
};

/// Files of this process end at so many bytes: a disk that is full, and can be given space again.
class FileSizeLimit {
 public:
    explicit FileSizeLimit(rlim_t bytes) {
        before_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &saved_);
        set(bytes);
    }
    ~FileSizeLimit() {
        lift();
        std::signal(SIGXFSZ, before_);
    }
    void lift() { set(saved_.rlim_cur); }

 private:
    void set(rlim_t bytes) {
        struct rlimit limit = saved_;
        limit.rlim_cur = bytes;
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    }
    struct rlimit saved_{};
    void (*before_)(int) = nullptr;
};

TEST_F(LogWriterTest, WritesEveryLineOnceAndEachWorkersInOrder) {
    constexpr int lines = 5000;
    auto writer = open();
    std::vector<std::thread> threads;
    for (int worker = 0; worker < 4; ++worker) {
        threads.emplace_back([&, worker] {
            telemetry::set_shard(static_cast<std::size_t>(worker));  // the first one shares
            for (int i = 0; i < lines; ++i) {
                writer->append(std::to_string(worker) + " " + std::to_string(i) +
                               " some more text in the line\n");
            }
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(writer->drain(patience));

    std::ifstream file(path_);
    std::map<int, int> next;
    int worker = 0, number = 0, total = 0;
    std::string rest;
    while (file >> worker >> number && std::getline(file, rest)) {
        EXPECT_EQ(next[worker]++, number);
        EXPECT_EQ(rest, " some more text in the line");
        ++total;
    }
    EXPECT_EQ(total, 4 * lines);
    EXPECT_EQ(dropped(), 0u);
    EXPECT_EQ(count("gatehouse_log_written_bytes_total"), fs::file_size(path_));
    struct stat facts{};
    ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0137, 0u);  // 0640 at most
}

TEST_F(LogWriterTest, WritesWithoutBeingAsked) {
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    const int reader = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    auto writer = open();
    writer->append("one line\n");
    struct pollfd ask{.fd = reader, .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&ask, 1, static_cast<int>(patience.count())), 1);
    char text[64];
    EXPECT_EQ(std::string_view(text, static_cast<std::size_t>(::read(reader, text, sizeof text))),
              "one line\n");
    ::close(reader);
}

TEST_F(LogWriterTest, ClosingWritesWhatWaitsAndDropsWhatComesLater) {
    auto writer = open({.flush_interval = std::chrono::hours(1)});
    writer->append("last\n");
    writer->close();
    writer->append("too late\nand this\n");
    writer->close();
    EXPECT_EQ(content(path_), "last\n");
    EXPECT_EQ(dropped(), 2u);
    EXPECT_FALSE(writer->drain(milliseconds(1)));
}

TEST_F(LogWriterTest, FollowsARotation) {
    auto writer = open();
    writer->append("before\n");
    ASSERT_TRUE(writer->drain(patience));
    fs::rename(path_, directory_ / "access.log.1");
    writer->append("between\n");
    ASSERT_TRUE(writer->drain(patience));
    writer->reopen();
    writer->append("after\n");
    ASSERT_TRUE(writer->drain(patience));
    EXPECT_EQ(content(directory_ / "access.log.1"), "before\nbetween\n");
    EXPECT_EQ(content(path_), "after\n");
}

TEST_F(LogWriterTest, LosesNoLineWhileRotatedUnderLoad) {
    constexpr int lines = 20'000, workers = 3, rotations = 10;
    auto writer = open({.queue_bytes_max = 64 * 1024 * 1024});
    std::vector<std::thread> threads;
    for (int worker = 1; worker <= workers; ++worker) {
        threads.emplace_back([&, worker] {
            telemetry::set_shard(static_cast<std::size_t>(worker));
            for (int i = 0; i < lines; ++i)
                writer->append("{\"line\":\"whole\",\"padding\":\"0123456789\"}\n");
        });
    }
    for (int i = 0; i < rotations; ++i) {
        fs::rename(path_, directory_ / ("old." + std::to_string(i)));
        writer->reopen();
        ASSERT_TRUE(writer->drain(patience));
    }
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(writer->drain(patience));
    std::size_t total = 0;
    for (const auto& entry : fs::directory_iterator(directory_)) {
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line); ++total) {
            ASSERT_EQ(line, "{\"line\":\"whole\",\"padding\":\"0123456789\"}") << entry.path();
        }
    }
    EXPECT_EQ(total, std::size_t{workers} * lines);
    EXPECT_EQ(dropped(), 0u);
}

TEST_F(LogWriterTest, KeepsTheOldFileWhereTheNewOneCannotBeOpened) {
    auto writer = open();
    const auto moved = directory_.string() + "-moved";
    fs::rename(directory_, moved);
    writer->reopen();
    writer->append("still here\n");
    ASSERT_TRUE(writer->drain(patience));
    EXPECT_EQ(content(fs::path(moved) / "access.log"), "still here\n");
    EXPECT_GE(errors(), 1u);
    fs::rename(moved, directory_);
}

TEST_F(LogWriterTest, BeginsOnANewLineAfterAHalfOneOfAnEarlierProcess) {
    std::ofstream(path_) << "whole\nhalf a li";
    auto writer = open();
    writer->append("next\n");
    ASSERT_TRUE(writer->drain(patience));
    EXPECT_EQ(content(path_), "whole\nhalf a li\nnext\n");
}

TEST_F(LogWriterTest, AFullDeviceCostsTheLinesBeyondTheQueueAndEveryLineAtTheEnd) {
    auto writer = open({.path = "/dev/full",
                        .queue_bytes_max = 10'000,
                        .batch_bytes = 1'000,
                        .close_timeout = milliseconds(10)});
    const std::string line = std::string(99, 'x') + "\n";
    for (int i = 0; i < 500; ++i) writer->append(line);
    const auto while_open = dropped();
    EXPECT_GE(while_open, 400u);
    EXPECT_LE(while_open, 401u);  // the bound is handed out in steps
    EXPECT_FALSE(writer->drain(patience));
    EXPECT_GE(errors(), 1u);
    writer->close();
    EXPECT_EQ(dropped(), 500u);
    EXPECT_EQ(count("gatehouse_log_written_bytes_total"), 0u);
}

TEST_F(LogWriterTest, ARecoveredDiskGetsWholeLinesAndIsToldOfTheMissingOnes) {
    const std::string line = std::string(99, 'x') + "\n";
    auto writer = open({.queue_bytes_max = 1'000, .batch_bytes = 500});
    {
        FileSizeLimit full(250);  // in the middle of the third line
        for (int i = 0; i < 5; ++i) writer->append(line);
        EXPECT_FALSE(writer->drain(patience));
        EXPECT_EQ(fs::file_size(path_), 250u);
        for (int i = 0; i < 20; ++i) writer->append(line);
        full.lift();
        ASSERT_TRUE(writer->drain(patience));
    }
    const auto lost = dropped();
    EXPECT_GT(lost, 0u);
    const auto text = content(path_);
    std::string whole;
    for (std::uint64_t i = lost; i < 25; ++i) whole += line;
    EXPECT_TRUE(text.starts_with(whole + "{\"timestamp\":\"")) << text;
    EXPECT_TRUE(
        text.ends_with("\"level\":\"WARNING\",\"component\":\"log\",\"message\":\"lines were "
                       "dropped\",\"lines\":" +
                       std::to_string(lost) + "}\n"))
        << text;
}

TEST_F(LogWriterTest, ALineTornByAFullDiskIsWrittenAgainWhenTheFileWasTruncatedMeanwhile) {
    auto writer = open();
    FileSizeLimit full(15);
    writer->append("first line\nsecond line\nthird line\n");
    EXPECT_FALSE(writer->drain(patience));
    EXPECT_EQ(content(path_), "first line\nseco");
    ASSERT_EQ(::truncate(path_.c_str(), 0), 0);  // an operator makes room
    full.lift();
    ASSERT_TRUE(writer->drain(patience));
    EXPECT_EQ(content(path_), "second line\nthird line\n");
}

TEST_F(LogWriterTest, ALineTornByAFullDiskIsNotJoinedToWhatOthersWroteMeanwhile) {
    auto writer = open();
    FileSizeLimit full(15);
    writer->append("first line\nsecond line\n");
    EXPECT_FALSE(writer->drain(patience));
    full.lift();
    std::ofstream(path_, std::ios::app) << "stranger";
    ASSERT_TRUE(writer->drain(patience));
    EXPECT_EQ(content(path_), "first line\nsecostranger\nsecond line\n");
}

TEST_F(LogWriterTest, ALineTornByAFullDiskIsWholeInTheNextFile) {
    auto writer = open();
    {
        FileSizeLimit full(15);
        writer->append("first line\nsecond line\n");
        EXPECT_FALSE(writer->drain(patience));
        fs::rename(path_, directory_ / "old");
        full.lift();
        writer->reopen();
        ASSERT_TRUE(writer->drain(patience));
    }
    EXPECT_EQ(content(directory_ / "old"), "first line\nseco");
    EXPECT_EQ(content(path_), "second line\n");
}

TEST_F(LogWriterTest, ClosingDoesNotWaitForALongBackOff) {
    auto writer = open({.path = "/dev/full",
                        .retry_first = std::chrono::hours(1),
                        .retry_max = std::chrono::hours(1),
                        .close_timeout = milliseconds(20)});
    writer->append("lost\n");
    EXPECT_FALSE(writer->drain(patience));
    writer->close();  // the test's own timeout tells
    EXPECT_EQ(dropped(), 1u);
}

TEST_F(LogWriterTest, AReaderThatStallsHoldsUpNobody) {
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    const std::string line = std::string(999, 'x') + "\n";
    constexpr std::uint64_t lines = 2'000;  // 2 MB, and a pipe holds 64 KiB
    {
        auto writer = open(
            {.queue_bytes_max = 100'000, .batch_bytes = 10'000, .close_timeout = milliseconds(10)});
        for (std::uint64_t i = 0; i < lines; ++i) writer->append(line);
        EXPECT_FALSE(writer->drain(patience));
        writer->close();  // comes back
        const auto written = count("gatehouse_log_written_bytes_total") / line.size();
        EXPECT_GT(written, 0u);
        EXPECT_GE(dropped() + written, lines - 1);  // a line may be written in part
        EXPECT_LE(dropped() + written, lines);
    }
}

TEST_F(LogWriterTest, SaysWhyAFileCannotBeOpened) {
    const auto writer = LogWriter::open(
        {.name = "access", .path = (directory_ / "none" / "x").string()}, registry_);
    ASSERT_FALSE(writer.has_value());
    EXPECT_EQ(writer.error().reason, "log.open");
    EXPECT_TRUE(writer.error().detail.contains("none/x")) << writer.error().detail;
}

TEST_F(LogWriterTest, WritesToStandardError) {
    ::testing::internal::CaptureStderr();
    {
        auto writer = open({.path = "stderr"});
        writer->append("to the terminal\n");
        writer->reopen();
        EXPECT_TRUE(writer->drain(patience));
    }
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "to the terminal\n");
}

}  // namespace
}  // namespace gh::exporting
