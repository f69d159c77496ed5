#include "storage/postgres/text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gh::storage::postgres {
namespace {

TEST(PostgresText, ReadsColumnsByTheirOid) {
    struct Case {
        unsigned type;
        std::string_view text;
        Value value;
    };
    const Case cases[] = {
        {16, "t", true},
        {16, "f", false},
        {20, "-9223372036854775808", std::numeric_limits<std::int64_t>::min()},
        {21, "-7", std::int64_t{-7}},
        {23, "7", std::int64_t{7}},
        {701, "1e-07", 1e-7},
        {701, "Infinity", std::numeric_limits<double>::infinity()},
        {1700, "42", std::int64_t{42}},
        {1700, "42.5", 42.5},
        {1700, "9223372036854775808", 9223372036854775808.0},
        {17, "\\x", Blob{}},
        {17, "\\x00fF", Blob{std::string("\0\xff", 2)}},
        {25, "", std::string()},
        {3802, "{\"a\": 1}", std::string("{\"a\": 1}")},
        {2278, "", nullptr},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto read = read_column(c.type, c.text);
        ASSERT_TRUE(read);
        EXPECT_EQ(*read, c.value);
    }
    EXPECT_TRUE(std::isnan(std::get<double>(read_column(701, "NaN").value())));
}

TEST(PostgresText, RefusesWhatATypeDoesNotHave) {
    struct Case {
        unsigned type;
        std::string_view text;
    };
    constexpr Case cases[] = {
        {16, "true"}, {16, ""},     {20, ""},     {20, "1.5"},  {20, "9223372036854775808"},
        {23, "7 "},   {701, "1,5"}, {17, "00ff"}, {17, "\\x0"}, {17, "\\xzz"},
        {1700, ""}};
    for (const auto& c : cases) {
        const auto read = read_column(c.type, c.text);
        ASSERT_FALSE(read) << c.text;
        EXPECT_EQ(read.error().reason, "storage.corrupt");
    }
}

TEST(PostgresText, WritesParametersAsTheProtocolWantsThem) {
    ParameterText text;
    const Parameters first{nullptr,
                           true,
                           std::numeric_limits<std::int64_t>::min(),
                           0.1,
                           std::string("a"),
                           Blob{std::string("\0b", 2)}};
    text.set(first);
    ASSERT_EQ(text.count(), 6);
    EXPECT_EQ(text.values()[0], nullptr);
    EXPECT_STREQ(text.values()[1], "t");
    EXPECT_STREQ(text.values()[2], "-9223372036854775808");
    EXPECT_STREQ(text.values()[3], "0.1");
    EXPECT_STREQ(text.values()[4], "a");
    EXPECT_EQ(text.formats()[4], 0);
    EXPECT_EQ(text.formats()[5], 1);
    EXPECT_EQ(std::string_view(text.values()[5], static_cast<std::size_t>(text.lengths()[5])),
              std::string_view("\0b", 2));
    const Parameters second{-std::numeric_limits<double>::infinity()};
    text.set(second);
    ASSERT_EQ(text.count(), 1);
    EXPECT_STREQ(text.values()[0], "-Infinity");
    text.set({});
    EXPECT_EQ(text.count(), 0);
}

}  // namespace
}  // namespace gh::storage::postgres
