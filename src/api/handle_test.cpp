#include "api/handle.hpp"

#include <gtest/gtest.h>

#include "api/testing.hpp"
#include "api/types.hpp"

namespace gh::api {
namespace {

struct Room {
    int asked = 0;
};

struct Change {
    std::string name;
    std::optional<bool> active;
};

struct Options {
    std::int64_t depth = 1;
};

Object<Change> change() {
    Object<Change> table("Change", "What is new.");
    table.required("name", &Change::name, text({.length_max = 8}), "Name.");
    table.optional("active", &Change::active, maybe(boolean()), "Active.");
    return table;
}

Object<Options> options() {
    Object<Options> table("Options", "How.");
    table.optional("depth", &Options::depth, integer_64(1, 3), "Depth.");
    return table;
}

Task<Result<Reply>> alter(Room& room, Call call, Options how, Change change) {
    ++room.asked;
    Reply reply;
    reply.body = std::string(call.param("id")) + " " + change.name + " " +
                 (change.active.value_or(false) ? "active " : "") + std::to_string(how.depth);
    co_return reply;
}

class Handles : public testing::Test {
 protected:
    Result<Reply> ask(const std::string& target, std::string body) {
        FakeCall call("PATCH", "/things/{id}", target);
        call.send(std::move(body));
        return call.ask(handle);
    }
    Room room;
    Handle handle = with(room, alter, query(options()), json_body(change().type()));
};

TEST_F(Handles, HandOverWhatTheirFunctionWants) {
    const auto reply = ask("/things/7%2B?depth=3", R"({"name":"ada","active":true})");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->body, "7+ ada active 3");
    EXPECT_EQ(room.asked, 1);
}

TEST_F(Handles, TellAllThatIsWrongAtOnceAndAskNobody) {
    const auto reply = ask("/things/7?depth=4&x=1", R"({"name":"","size":1})");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 422);
    EXPECT_EQ(reply->code, "request.invalid");
    EXPECT_EQ(reply->content_type, "application/problem+json");
    EXPECT_EQ(errors_in(*reply), "x unknown\ndepth range\n/size unknown\n/name length\n");
    EXPECT_EQ(room.asked, 0);
}

TEST_F(Handles, RefuseBrokenSyntaxWithoutRepeatingIt) {
    struct Case {
        std::string target, body;
        std::string_view code;
    };
    const Case cases[] = {
        {"/things/7", "", "body.missing"},
        {"/things/7", "{\"name\":\"<script>\"", "json.malformed"},
        {"/things/7", "{} {}", "json.malformed"},
        {"/things/7", R"({"name":"a","name":"b"})", "json.duplicate_name"},
        {"/things/7", std::string(40, '['), "json.too_deep"},
        {"/things/7?depth=%4", R"({"name":"ada"})", "percent.bad_escape"},
        {"/things/7?depth=%FF", R"({"name":1})", "form.not_utf8"},
    };
    for (const auto& c : cases) {
        const auto reply = ask(c.target, c.body);
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->status, 400) << c.body;
        EXPECT_EQ(reply->code, c.code) << c.body;
        EXPECT_FALSE(reply->body.contains("script"));
    }
    EXPECT_EQ(room.asked, 0);
}

TEST(FormBody, IsReadLikeAnObjectOfTexts) {
    const auto handle = reading(
        [](Call, Change change) -> Task<Result<Reply>> {
            Reply reply;
            reply.body = change.name + (change.active.value_or(false) ? "!" : "");
            co_return reply;
        },
        form_body(change().type()));
    EXPECT_EQ(handle.contract().media_types.front(), "application/x-www-form-urlencoded");
    FakeCall call("POST", "/x");
    EXPECT_EQ(call.send("name=a+b&active=true").ask(handle)->body, "a b!");
    EXPECT_EQ(errors_in(*call.send("name=a&name=a").ask(handle)), "/name duplicate\n");
    EXPECT_EQ(errors_in(*call.send("active=1").ask(handle)), "/name required\n/active type\n");
    EXPECT_EQ(call.send("name=a b").ask(handle)->code, "form.characters");
}

TEST(RawBody, ComesAsItIs) {
    const auto handle = reading(
        [](Call, std::string_view body) -> Task<Result<Reply>> {
            Reply reply;
            reply.body = body;
            co_return reply;
        },
        raw_body({"application/jose+json"}));
    FakeCall call("POST", "/x");
    EXPECT_EQ(call.send("{{{").ask(handle)->body, "{{{");
    EXPECT_EQ(handle.contract().media_types.front(), "application/jose+json");
}

TEST(Handle, OfAPlainFunctionTakesNoBody) {
    const Handle handle = [](Call) -> Task<Result<Reply>> { co_return no_content(); };
    EXPECT_TRUE(handle.contract().media_types.empty());
    EXPECT_EQ(FakeCall("DELETE", "/x").ask(handle)->status, 204);
}

}  // namespace
}  // namespace gh::api
