#include "storage/backup/line.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace gh::storage::backup {
namespace {

std::string line_of_values(const Parameters& values) {
    const auto line = line_of(Row(values.data()), values.size());
    return line ? *line : std::string(line.error().reason);
}

TEST(BackupLine, EveryValueComesBackAsItWas) {
    const Parameters values{nullptr,
                            std::int64_t{0},
                            std::numeric_limits<std::int64_t>::min(),
                            std::numeric_limits<std::int64_t>::max(),
                            1.0,
                            -0.1,
                            1e300,
                            std::string("\"quoted\"\n\xc3\xa9\x01"),
                            std::string(),
                            Blob{std::string("\0\xff{", 3)},
                            Blob{}};
    const auto line = line_of_values(values);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto read = parse_line(line);
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_EQ(std::get<Parameters>(*read), values);
}

TEST(BackupLine, ABooleanIsTheNumberThatSqliteHasForIt) {
    EXPECT_EQ(line_of_values({true, false}), line_of_values({std::int64_t{1}, std::int64_t{0}}));
}

TEST(BackupLine, WhatCannotBeStoredElsewhereIsNotWritten) {
    const Value cases[] = {std::string("\xff"), std::string("a\0b", 3),
                           std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()};
    for (const auto& value : cases) EXPECT_EQ(line_of_values({value}), "backup.value");
}

TEST(BackupLine, EveryKindComesBackAsItWas) {
    const Header header{.version = "1.2.3",
                        .engine = "SQLite",
                        .made_at = "2026-01-02T03:04:05Z",
                        .schema = {{1, "identity", "aa", "bb"}, {2, "tokens", "cc", "dd"}}};
    const File file{"keys/ca-root", std::string("\0pem\n", 5)};
    const TableStart table{"users", {"id", "na\"me"}};
    EXPECT_EQ(parse_line(line_of(header)), Line(header));
    EXPECT_EQ(parse_line(line_of(file)), Line(file));
    EXPECT_EQ(parse_line(line_of(table)), Line(table));
    EXPECT_EQ(parse_line(end_line({}, "00")), Line(End{}));
}

TEST(BackupLine, OtherLinesAreRefused) {
    const std::string_view cases[] = {
        "",
        "{}",
        "7",
        "nonsense",
        "[1,2",
        "[true]",
        "[[1]]",
        R"([{"octets":"no base64"}])",
        R"([{"octets":"AA==","more":1}])",
        R"(["\u0000"])",
        R"({"file":"keys/x"})",
        R"({"file":"keys/x","content":"*"})",
        R"({"file":7,"content":""})",
        R"({"table":"users"})",
        R"({"table":"users","columns":[1]})",
        R"({"gatehouse_backup":1,"version":"1"})",
        R"({"gatehouse_backup":1,"version":"1","engine":"","made_at":"","schema":[{}]})",
        R"({"gatehouse_backup":2,"version":"1","engine":"","made_at":"","schema":[]})",
        R"({"gatehouse_backup":"1","version":"1","engine":"","made_at":"","schema":[]})",
    };
    for (const auto text : cases) {
        const auto read = parse_line(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().reason, "backup.line") << text;
    }
}

TEST(RowsDigest, IsOfTheRowsAndNotOfTheirOrder) {
    RowsDigest one, other, twice, none;
    one.add("[1]");
    one.add("[2]");
    other.add("[2]");
    other.add("[1]");
    twice.add("[1]");
    twice.add("[1]");
    EXPECT_EQ(one, other);
    EXPECT_NE(one, twice);
    EXPECT_NE(twice, none);
    EXPECT_NE(twice.hex(), none.hex());
    EXPECT_EQ(one.rows(), 2U);
    EXPECT_EQ(one.hex().size(), 64U);
    RowsDigest single;
    single.add("abc");
    EXPECT_EQ(single.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace gh::storage::backup
