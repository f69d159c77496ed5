#include "export/spool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "base/temporary_directory.hpp"

namespace gh::exporting {
namespace {

namespace fs = std::filesystem;

class SpoolTest : public testing::Test {
 protected:
    Spool open(std::uint64_t bytes_max = 1 << 20, std::uint64_t segment_bytes = 64) {
        auto spool =
            Spool::open(folder(), {.bytes_max = bytes_max, .segment_bytes = segment_bytes});
        EXPECT_TRUE(spool) << describe(spool.error());
        return *std::move(spool);
    }
    [[nodiscard]] fs::path folder() const { return directory_.path() / "spool"; }
    [[nodiscard]] std::size_t segments() const {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator(folder()))
            count += entry.path().extension() == ".batches" ? 1 : 0;
        return count;
    }
    /// Sends all; the bodies, each followed by a blank.
    static std::string send_all(Spool& spool) {
        std::string out;
        while (auto batch = spool.front()) {
            out += batch->body + " ";
            spool.sent(batch->end);
        }
        return out;
    }
    TemporaryDirectory directory_;
};

TEST_F(SpoolTest, GivesWhatItGotInOrderAndLeavesNothing) {
    auto spool = open();
    EXPECT_TRUE(spool.empty());
    for (const auto* body : {"one", "two", "three", "four", "five"})
        ASSERT_TRUE(spool.append(1, body));
    EXPECT_GT(segments(), 1U);
    EXPECT_GT(spool.bytes(), 0U);
    EXPECT_EQ(send_all(spool), "one two three four five ");
    EXPECT_EQ(segments(), 0U);
    EXPECT_EQ(spool.bytes(), 0U);
    ASSERT_TRUE(spool.append(1, "six"));
    EXPECT_EQ(send_all(spool), "six ");
}

TEST_F(SpoolTest, GoesOnWhereAnotherProcessEnded) {
    {
        auto spool = open();
        for (const auto* body : {"one", "two", "three"}) ASSERT_TRUE(spool.append(1, body));
        spool.sent(spool.front()->end);
    }
    {
        auto spool = open();
        EXPECT_EQ(spool.front()->body, "two");
        ASSERT_TRUE(spool.append(1, "four"));
    }
    auto spool = open();
    EXPECT_EQ(send_all(spool), "two three four ");
    EXPECT_EQ(spool.take_lost().damaged, 0U);
}

TEST_F(SpoolTest, MakesRoomByLettingTheOldestGo) {
    auto spool = open(400, 100);
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(spool.append(2, "batch" + std::to_string(100 + i)));
    EXPECT_LE(spool.bytes(), 400U);
    const auto sent = send_all(spool);
    EXPECT_TRUE(sent.ends_with("batch148 batch149 ")) << sent;
    const auto kept = std::ranges::count(sent, ' ');
    EXPECT_EQ(spool.take_lost().lines, 2U * static_cast<std::uint64_t>(50 - kept));
    EXPECT_FALSE(spool.append(1, std::string(400, 'x')));
}

TEST_F(SpoolTest, StepsOverWhatIsDamaged) {
    {
        auto spool = open(1 << 20, 1);
        for (const auto* body : {"one", "two", "three"}) ASSERT_TRUE(spool.append(1, body));
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder())) {
        if (entry.path().extension() == ".batches") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    ASSERT_EQ(files.size(), 3U);
    fs::resize_file(files[0], fs::file_size(files[0]) - 1);
    {
        std::fstream file(files[1], std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(21);
        file.put('!');
    }
    std::ofstream(folder() / "position") << "nonsense";
    auto spool = open(1 << 20, 1);
    EXPECT_EQ(send_all(spool), "three ");
    EXPECT_EQ(spool.take_lost().damaged, 2U);
}

TEST_F(SpoolTest, IsOfOneProcess) {
    const auto spool = open();
    const auto other = Spool::open(folder(), {});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().reason, "file.locked");
}

TEST(SpoolRecord, ReadsWhatWasWrittenAndNothingElse) {
    std::string bytes;
    append_spool_record(bytes, 7, "body");
    const auto more = bytes + "rest";
    const auto record = parse_spool_record(more);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->lines, 7U);
    EXPECT_EQ(record->body, "body");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_FALSE(parse_spool_record(changed)) << i;
        EXPECT_FALSE(parse_spool_record(std::string_view(bytes).substr(0, i))) << i;
    }
    const SpoolPosition position{.segment = 3, .offset = 1'234};
    const auto text = spool_position_text(position);
    EXPECT_EQ(parse_spool_position(text), position);
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto changed = text;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_FALSE(parse_spool_position(changed)) << i;
    }
}

}  // namespace
}  // namespace gh::exporting
