#include "agents/import/timestamp.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::agents {
namespace {

using namespace std::chrono;

std::optional<SystemTime> of_json(std::string_view json) {
    return parse_timestamp(codec::json::parse(json).value());
}

TEST(TimestampTest, OneMomentInAllItsForms) {
    const SystemTime moment = sys_days(2025y / 10 / 22) + 16h + 38min + 46s;
    for (const auto* json :
         {"1761151126", "1761151126.0", "1761151126000", "1761151126000000", "1761151126000000000",
          R"("1761151126")", R"("1761151126000")", R"("2025-10-22T16:38:46Z")",
          R"("2025-10-22t16:38:46z")", R"("2025-10-22 16:38:46")", R"("2025-10-22T16:38:46")",
          R"("2025-10-22T16:38:46.000000")", R"("2025-10-22T16:38:46+00:00")",
          R"("2025-10-22T18:38:46+02:00")", R"("2025-10-22T18:38:46+0200")",
          R"("2025-10-22T11:38:46-05")", R"("2025/10/22 16:38:46")", R"("2025-10-22 16:38:46 UTC")",
          R"("Wed, 22 Oct 2025 16:38:46 GMT")"})
        EXPECT_EQ(of_json(json), moment) << json;
    EXPECT_EQ(of_json("1761151126.5"), moment + 500ms);
    EXPECT_EQ(of_json("1761151126123"), moment + 123ms);
    EXPECT_EQ(of_json(R"("2025-10-22T16:38:46.123456789Z")"), moment + 123'456us);
    EXPECT_EQ(of_json(R"("2025-10-22T16:38:46,5Z")"), moment + 500ms);
    EXPECT_EQ(of_json(R"("2025-10-22T16:38")"), moment - 46s);
    EXPECT_EQ(of_json(R"("2025-10-22")"), SystemTime(sys_days(2025y / 10 / 22)));
    EXPECT_EQ(of_json("0"), SystemTime());
}

TEST(TimestampTest, WhatIsNone) {
    for (const auto* json : {"null",
                             "true",
                             "[]",
                             "{}",
                             R"("")",
                             R"("yesterday")",
                             R"("2025-02-30")",
                             R"("2025-13-01T00:00:00Z")",
                             R"("2025-10-22T24:00:00Z")",
                             R"("2025-10-22T16:60:00Z")",
                             R"("2025-10-22T16:38:46Q")",
                             R"("2025-10-22T16:38:46+25:00")",
                             R"("2025-10-22T16:38:46.Z")",
                             R"("2025-10-22T16:38:46Z ")",
                             R"("25-10-22")",
                             R"("1969-12-31T23:59:59Z")",
                             R"("1970-01-01T00:00:00+01:00")",
                             R"("2300-01-01")",
                             "-1",
                             "1e300",
                             "9e18",
                             R"("1e5")",
                             R"("nan")",
                             R"("inf")",
                             R"("0x10")",
                             R"("Wed, 22 Okt 2025 16:38:46 GMT")",
                             R"("Wed, 22 Oct 2025 16:38:46 CET")"})
        EXPECT_EQ(of_json(json), std::nullopt) << json;
}

}  // namespace
}  // namespace gh::agents
