#include "api/paging.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "api/testing.hpp"
#include "codec/base64.hpp"

namespace gh::api {
namespace {

using namespace std::string_literals;

TEST(Cursor, LeadsBackToItsKeysInItsListAlone) {
    const CursorKeys keys{"2027-01-31", "ada\u00e4", ""};
    const auto text = encode_cursor("users", keys);
    EXPECT_EQ(decode_cursor(text, "users", 3).value(), keys);
    EXPECT_FALSE(decode_cursor(text, "keys", 3));
    EXPECT_FALSE(decode_cursor(text, "users", 2));
    EXPECT_FALSE(decode_cursor(text, "users", 4));
    const CursorKeys long_one{std::string(cursor_key_bytes_max, 'x')};
    EXPECT_EQ(decode_cursor(encode_cursor("l", long_one), "l", 1).value(), long_one);
}

TEST(Cursor, IsReadStrictly) {
    const auto good = "\1\0\1l\0\2ab"s;
    ASSERT_EQ(decode_cursor(codec::encode_base64url(good), "l", 1).value(), CursorKeys{"ab"});
    struct Case {
        std::string_view what;
        std::string bytes;
    };
    const Case cases[] = {
        {"empty", ""},
        {"another version", "\2\0\1l\0\2ab"s},
        {"no list", "\1"s},
        {"cut off in a length", "\1\0\1l\0"s},
        {"cut off in a key", "\1\0\1l\0\3ab"s},
        {"more behind", good + "x"},
        {"a length without end", "\1\0\1l\xff\xff"s},
        {"a key beyond its bounds", "\1\0\1l\4\1"s + std::string(1025, 'x')},
        {"no UTF-8", "\1\0\1l\0\1\xff"s},
        {"a NUL", "\1\0\1l\0\1\0"s},
    };
    for (const auto& c : cases) {
        const auto read = decode_cursor(codec::encode_base64url(c.bytes), "l", 1);
        EXPECT_TRUE(!read && read.error().reason == "cursor.malformed") << c.what;
    }
    for (const auto text : {"AQABbAACYWI=", "AQABbAACYWJ", "!", "AQAB bAACYWI"})
        EXPECT_FALSE(decode_cursor(text, "l", 1)) << text;
    EXPECT_FALSE(decode_cursor(std::string(cursor_bytes_max + 1, 'A'), "l", 1));
}

struct Filtered : Page {
    std::optional<std::string> role;
};

/// "limit offset key" of what a query says, or its errors.
std::string page_of_query(const std::string& query) {
    Object<Filtered> table("Filtered", "A page.");
    add_page(table, "users", 1);
    table.optional("role", &Filtered::role, maybe(text()), "Only these.");
    const auto handle = reading(
        [](Call, Filtered page) -> Task<Result<Reply>> {
            Reply reply;
            reply.body = std::to_string(page.limit) + " " + std::to_string(page.offset) + " " +
                         (page.after ? page.after->front() : "-") + " " + page.role.value_or("-");
            co_return reply;
        },
        gh::api::query(table));
    const auto reply = FakeCall("GET", "/users?" + query).ask(handle);
    return reply->status == 200 ? reply->body : errors_in(*reply);
}

TEST(Page, IsAskedForByTheQuery) {
    const auto cursor = encode_cursor("users", {"ada"});
    EXPECT_EQ(page_of_query(""), "50 0 - -");
    EXPECT_EQ(page_of_query("limit=200&offset=100000"), "200 100000 - -");
    EXPECT_EQ(page_of_query("cursor=" + cursor + "&limit=1&role=user"), "1 0 ada user");
    EXPECT_EQ(page_of_query("limit=0"), "limit range\n");
    EXPECT_EQ(page_of_query("limit=201"), "limit range\n");
    EXPECT_EQ(page_of_query("limit=1&limit=2"), "limit duplicate\n");
    EXPECT_EQ(page_of_query("limit=1&%6Cimit=1"), "limit duplicate\n");
    EXPECT_EQ(page_of_query("offset=100001"), "offset range\n");
    EXPECT_EQ(page_of_query("offset=1&cursor=" + cursor), "offset conflict\n");
    EXPECT_EQ(page_of_query("cursor=x"), "cursor invalid\n");
    EXPECT_EQ(page_of_query("cursor=" + encode_cursor("keys", {"ada"})), "cursor invalid\n");
    EXPECT_EQ(page_of_query("page=1&a/b=2"), "page unknown\na/b unknown\n");
}

TEST(Page, IsAnsweredWithItemsAndWhereToGoOn) {
    const auto type = page_of("NumberPage", integer_64(0, 9));
    EXPECT_EQ(type.json({{1, 2}, "abc"}), R"({"items":[1,2],"next_cursor":"abc"})");
    EXPECT_EQ(type.json({}), R"({"items":[],"next_cursor":null})");
}

TEST(TimesInCursors, ComeBackAsTheyWereAndCraftedOnesAreRefused) {
    const SystemTime now{std::chrono::microseconds(1'700'000'000'123'456)};
    EXPECT_EQ(time_of_key(key_of_time(now)).value(), now);
    EXPECT_EQ(time_of_key("0").value(), SystemTime{});
    const auto most =
        std::chrono::duration_cast<std::chrono::microseconds>(SystemTime::duration::max()).count();
    EXPECT_TRUE(time_of_key(std::to_string(most)));
    for (const auto& bad :
         {std::to_string(most + 1), std::to_string(std::numeric_limits<std::int64_t>::max()),
          std::to_string(std::numeric_limits<std::int64_t>::min()), std::string("-1"),
          std::string("9223372036854775808"), std::string(""), std::string("1x")}) {
        const auto read = time_of_key(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().reason, "cursor.malformed") << bad;
    }
}

}  // namespace
}  // namespace gh::api
