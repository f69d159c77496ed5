#include "storage/backup/file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <vector>

#include "storage/test_folder.hpp"

namespace gh::storage::backup {
namespace {

using Lines = std::vector<std::string>;

class BackupFile : public testing::TestWithParam<bool> {
 protected:
    [[nodiscard]] const crypto::Secret* passphrase() const {
        return GetParam() ? &passphrase_ : nullptr;
    }
    Result<void> write(const Lines& lines) {
        auto sink = Sink::create(file, passphrase());
        if (!sink) return std::unexpected(sink.error());
        for (const auto& line : lines) {
            if (auto done = sink->line(line); !done) return done;
        }
        return sink->finish();
    }
    Result<Lines> read() { return read_with(passphrase()); }
    Result<Lines> read_with(const crypto::Secret* with) {
        auto source = Source::open(file, with);
        if (!source) return std::unexpected(source.error());
        Lines lines;
        for (;;) {
            auto line = source->line();
            if (!line) return std::unexpected(line.error());
            if (!*line) return lines;
            lines.emplace_back(**line);
        }
    }
    std::string octets() {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void put(std::string_view text) { std::ofstream(file, std::ios::binary) << text; }
    std::size_t files() {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(folder.path), {}));
    }

    TestFolder folder;
    std::filesystem::path file = folder.path / "state.backup";

 private:
    crypto::Secret passphrase_{"correct horse"};
};

Lines some_lines() {
    Lines lines;
    for (int i = 0; i < 3'000; ++i) lines.push_back(std::string(i % 200, 'x') + std::to_string(i));
    lines.push_back(std::string(300'000, 'y'));
    lines.push_back("");
    return lines;
}

TEST_P(BackupFile, GivesBackItsLines) {
    ASSERT_TRUE(write(some_lines()));
    EXPECT_EQ(read(), some_lines());
    struct stat facts{};
    ASSERT_EQ(::stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    EXPECT_EQ(files(), 1U);
    EXPECT_EQ(octets().contains("xxxxxxxx"), !GetParam());
}

TEST_P(BackupFile, BothEndsHashTheSameLines) {
    auto sink = Sink::create(file, passphrase());
    ASSERT_TRUE(sink);
    for (const auto& line : some_lines()) ASSERT_TRUE(sink->line(line));
    const auto hash = sink->sha256();
    ASSERT_TRUE(sink->line("end"));
    ASSERT_TRUE(sink->finish());
    auto source = Source::open(file, passphrase());
    ASSERT_TRUE(source);
    std::optional<std::string_view> line;
    do line = source->line().value();
    while (line != "end");
    EXPECT_EQ(source->sha256_before(), hash);
}

TEST_P(BackupFile, HasItsNameOnlyWhenItIsWhole) {
    {
        auto sink = Sink::create(file, passphrase());
        ASSERT_TRUE(sink);
        ASSERT_TRUE(sink->line("half"));
        EXPECT_FALSE(std::filesystem::exists(file));
    }
    EXPECT_EQ(files(), 0U);
}

TEST_P(BackupFile, IsNeverWrittenOverAnother) {
    put("mine");
    const auto refused = write({"x"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "backup.exists");
    std::filesystem::remove(file);
    auto sink = Sink::create(file, passphrase());
    ASSERT_TRUE(sink);
    put("mine");
    const auto late = sink->finish();
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason, "backup.exists");
    EXPECT_EQ(octets(), "mine");
}

TEST_P(BackupFile, ThatIsCutShortIsNoticedOrEndsWithALine) {
    ASSERT_TRUE(write({"first", "second"}));
    const auto whole = octets();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        put(whole.substr(0, size));
        const auto lines = GetParam() && size % 16 != 0
                               ? Result<Lines>(fail(ErrorKind::corrupt, ""))
                               : read();  // the key takes its time
        if (!lines) continue;
        // Nothing in clear text tells one line less: that is what the last line is for.
        EXPECT_FALSE(GetParam());
        EXPECT_TRUE(lines->empty() || *lines == Lines{"first"}) << size;
    }
}

TEST_P(BackupFile, LeavesNothingWhereThereIsNoRoom) {
    struct rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    auto less = before;
    less.rlim_cur = 200'000;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &less), 0);
    const auto written = write(some_lines());
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    ::signal(SIGXFSZ, handler);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().reason, "backup.full");
    EXPECT_EQ(files(), 0U);
}

TEST_P(BackupFile, SaysWhatIsWrongWithThePassphrase) {
    ASSERT_TRUE(write({"x"}));
    const crypto::Secret other("another");
    const auto with_other = read_with(&other);
    ASSERT_FALSE(with_other);
    EXPECT_EQ(with_other.error().reason, GetParam() ? "backup.passphrase" : "backup.not_sealed");
    if (!GetParam()) return;
    const auto without = read_with(nullptr);
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().reason, "backup.sealed");
}

TEST_P(BackupFile, SaysThatThereIsNone) {
    const auto read_nothing = read();
    ASSERT_FALSE(read_nothing);
    EXPECT_EQ(read_nothing.error().reason, "backup.absent");
    std::filesystem::create_directory(file);
    EXPECT_FALSE(read());
}

INSTANTIATE_TEST_SUITE_P(Both, BackupFile, testing::Bool(),
                         [](const auto& of) { return std::string(of.param ? "Sealed" : "Clear"); });

}  // namespace
}  // namespace gh::storage::backup
