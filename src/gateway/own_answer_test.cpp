#include "gateway/own_answer.hpp"

#include <gtest/gtest.h>

#include "api/object.hpp"
#include "api/types.hpp"
#include "gateway/gateway.hpp"
#include "gateway/standard_pipeline.hpp"
#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

using access::Access;
using access::Permission;

struct Name {
    std::string name;
};

Task<Result<api::Reply>> greet(api::Call call, Name body) {
    api::Reply reply;
    reply.body = std::string(call.param("id")) + " " + body.name + " " + call.principal.subject +
                 " " + std::string(call.client_ip) + " " + std::string(call.query);
    reply.fields.emplace_back("Cache-Control", "max-age=1");
    co_return reply;
}

Task<Result<api::Reply>> fail_as(ErrorKind kind) {
    co_return fail(kind, "room.trouble", "the password is hunter2");
}

class OwnAnswer : public testing::Test {
 protected:
    OwnAnswer() {
        const auto name = api::Object<Name>("Name", "A name.")
                              .required("name", &Name::name, api::text(), "It.")
                              .type();
        house.worker.snapshot = house.snapshot;
        house.worker.pipeline = standard_pipeline(house.services, house.authenticator);
        house.add_own({.method = "PUT",
                       .path = "/things/{id}",
                       .access = Access::anyone(),
                       .handle = api::reading(greet, api::json_body(name)),
                       .body_bytes_max = 32});
        house.add_own({.method = "GET",
                       .path = "/things/{id}",
                       .access = Access::permission(Permission::metrics_read),
                       .handle = [](api::Call) { return fail_as(ErrorKind::not_found); }});
        house.add_own({.method = "GET",
                       .path = "/things/self",
                       .access = Access::anyone(),
                       .handle = [](api::Call) { return fail_as(ErrorKind::unavailable); }});
        house.add_own({.method = "DELETE",
                       .path = "/secret",
                       .access = Access::permission(Permission::audit_read),
                       .handle = [](api::Call) { return fail_as(ErrorKind::internal); }});
    }

    /// Until the answer is complete.
    const FakeDownstream& ask(std::string_view method, std::string_view target) {
        house.client.ask(method, target);
        spawn(walk(true));
        house.worker.loop.run();
        return house.client;
    }
    Task<> walk(bool stops) {
        Gateway gateway(house.worker);
        co_await gateway.handle(house.client);
        if (stops) house.worker.loop.stop();
    }
    [[nodiscard]] std::string field(std::string_view name) const {
        std::string text;
        for (const auto& [key, value] : house.client.answer_fields) {
            if (http::equals_ignoring_case(key, name)) text += value;
        }
        return text;
    }
    FakeHouse house;
};

TEST_F(OwnAnswer, ReadsTheBodyWholeBeforeTheHandlerRuns) {
    house.client.with("Content-Type", "Application/JSON; charset=utf-8")
        .with("Authorization", "Bearer good")
        .send({"{\"na", "", "me\":\"x\"", "}"}, true);
    const auto& client = ask("PUT", "/things/7%2B?a=b");
    EXPECT_EQ(client.status, 200);
    EXPECT_EQ(client.answer, "7+ x ada 192.0.2.1 a=b");
    EXPECT_EQ(client.continues, 1);
    EXPECT_EQ(field("Cache-Control"), "max-age=1");
}

TEST_F(OwnAnswer, RefusesBodiesThatItsRouteDoesNotTake) {
    struct Case {
        std::string_view what, method, target, type;
        std::vector<std::string> body;
        bool chunked;
        std::uint16_t status;
        std::string_view code;
    };
    const std::string at_limit = R"({"name":"abcdefghijklmnopqrstu"})";
    ASSERT_EQ(at_limit.size(), 32U);
    const Case cases[] = {
        {"at the limit", "PUT", "/things/1", "application/json", {at_limit}, true, 200, ""},
        {"over it",
         "PUT",
         "/things/1",
         "application/json",
         {at_limit, " "},
         true,
         413,
         "body.too_large"},
        {"over it, declared",
         "PUT",
         "/things/1",
         "application/json",
         {at_limit, " "},
         false,
         413,
         "body.too_large"},
        {"another type", "PUT", "/things/1", "text/plain", {"{}"}, false, 415, "body.media_type"},
        {"no type", "PUT", "/things/1", "", {"{}"}, false, 415, "body.media_type"},
        {"broken", "PUT", "/things/1", "application/json", {"{"}, false, 400, "json.malformed"},
        {"wrong", "PUT", "/things/1", "application/json", {"{}"}, false, 422, "request.invalid"},
        {"none", "PUT", "/things/1", "", {}, false, 400, "body.missing"},
        {"one where none is taken",
         "GET",
         "/things/self",
         "application/json",
         {"{}"},
         false,
         415,
         "body.unexpected"},
        {"one that shows late",
         "GET",
         "/things/self",
         "application/json",
         {"{}"},
         true,
         413,
         "body.too_large"},
        {"an empty one", "GET", "/things/self", "", {}, true, 503, "room.trouble"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.what);
        house.client.reset();
        if (!c.type.empty()) house.client.with("Content-Type", c.type);
        house.client.send(c.body, c.chunked);
        const auto& client = ask(c.method, c.target);
        EXPECT_EQ(client.status, c.status);
        EXPECT_TRUE(client.answer.contains(c.code)) << client.answer;
    }
}

TEST_F(OwnAnswer, RefusesATypeThatIsSaidTwiceOrCoded) {
    house.client.with("Content-Type", "application/json").with("Content-Type", "application/json");
    house.client.send({"{}"});
    EXPECT_EQ(ask("PUT", "/things/1").status, 415);
    EXPECT_EQ(field("Accept"), "application/json");
    house.client.reset();
    house.client.with("Content-Type", "application/json").with("Content-Encoding", "gzip");
    house.client.send({"{}"});
    EXPECT_EQ(ask("PUT", "/things/1").status, 415);
}

TEST_F(OwnAnswer, EndsWithWhoeverStopsSending) {
    house.snapshot->limits.body_idle_timeout = milliseconds(5);
    house.client.with("Content-Type", "application/json").send({"{"}, true);
    house.client.body_end = http::BodyPiece::State::blocked;
    EXPECT_EQ(ask("PUT", "/things/1").status, 408);
    EXPECT_TRUE(house.client.closes);

    house.client.reset();
    house.client.with("Content-Type", "application/json").send({"{"}, true);
    house.client.body_end = http::BodyPiece::State::closed;
    EXPECT_EQ(ask("PUT", "/things/1").status, 0);
    EXPECT_TRUE(house.client.aborted);

    house.client.reset();
    house.client.with("Content-Type", "application/json").send({"{"}, true);
    house.client.body_end = http::BodyPiece::State::malformed;
    EXPECT_EQ(ask("PUT", "/things/1").status, 400);
}

/// A space every few milliseconds, and then the end; stops the loop once there is an answer.
Task<> trickle(FakeHouse& house) {
    for (int i = 0; i < 100 && !house.client.responded(); ++i) {
        net::Sleep pause(house.worker.loop, milliseconds(4));
        co_await pause;
        if (i == 25) house.client.body_end = http::BodyPiece::State::end;
        house.client.send_more(" ");
    }
    house.worker.loop.stop();
}

TEST_F(OwnAnswer, EndsWithABodyThatComesInTimePieceByPieceAndNotAsAWhole) {
    house.snapshot->limits.body_idle_timeout = milliseconds(20);
    house.client.with("Content-Type", "application/json").send({}, true);
    house.client.body_end = http::BodyPiece::State::blocked;
    house.client.ask("PUT", "/things/1");
    spawn(walk(false));
    spawn(trickle(house));
    house.worker.loop.run();
    EXPECT_EQ(house.client.status, 408);
}

TEST_F(OwnAnswer, MakesAProblemOfAnErrorAndKeepsItsDetail) {
    const auto& client = ask("GET", "/things/self");
    EXPECT_EQ(client.status, 503);
    EXPECT_EQ(field("Content-Type"), "application/problem+json");
    EXPECT_EQ(field("Retry-After"), "1");
    EXPECT_FALSE(client.answer.contains("hunter2"));
}

TEST_F(OwnAnswer, AsksForThePermissionThatItsRowNames) {
    EXPECT_EQ(ask("GET", "/things/1").status, 401);
    house.client.reset();
    house.client.with("Authorization", "Bearer good");
    house.authenticator.principal->scopes.clear();
    EXPECT_EQ(ask("GET", "/things/1").status, 404);  // a manager: let in
    house.client.reset();
    house.client.with("Authorization", "Bearer good");
    EXPECT_EQ(ask("DELETE", "/secret").status, 403);
    house.snapshot->roles["auditor"].add(Permission::audit_read);
    house.authenticator.principal->roles.emplace_back("auditor");
    house.client.reset();
    house.client.with("Authorization", "Bearer good");
    EXPECT_EQ(ask("DELETE", "/secret").status, 500);
}

TEST_F(OwnAnswer, OfAnotherMethodIsNobodyElses) {
    EXPECT_EQ(ask("POST", "/things/1").status, 405);
    EXPECT_EQ(field("Allow"), "PUT, GET");
    house.client.reset();
    EXPECT_EQ(ask("DELETE", "/things/self").status, 405);
    EXPECT_EQ(field("Allow"), "GET");
    house.client.reset();
    const auto& stranger = ask("GET", "/things/%C2%85");
    EXPECT_EQ(stranger.status, 401);  // who may not come in learns nothing of the path
    house.client.reset();
    EXPECT_EQ(ask("PUT", "/things/%C2%85").status, 400);
    EXPECT_TRUE(house.client.answer.contains("path.parameter")) << house.client.answer;
}

}  // namespace
}  // namespace gh::gateway
