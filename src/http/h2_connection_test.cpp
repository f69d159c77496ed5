#include "http/h2_connection.hpp"

#include <gtest/gtest.h>

#include "http/h2_connection_test_talk.hpp"

namespace gh::http {
namespace {

TEST(H2Connection, ServesEveryStreamAsItsOwnExchange) {
    Talk talk;
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        H2Client client;
        const auto a = client.request(get("/a"));
        const auto b = client.request(post("/b"), {.bytes = "body", .trailers = {}});
        const auto c = client.request(get("/c"));
        const auto enough = [](H2Client& h2) { return h2.closed.size() == 3; };
        co_await talk_until(client, end, enough);
        EXPECT_EQ(client.bodies[a], "GET /a ");
        EXPECT_EQ(client.bodies[b], "POST /b body");
        EXPECT_EQ(client.bodies[c], "GET /c ");
        for (const auto& [id, code] : client.closed) EXPECT_EQ(code, 0U) << id;
    });
    EXPECT_EQ(talk.handler.requests, 3);
    EXPECT_TRUE(talk.served);
}

TEST(H2Connection, CarriesBodiesBeyondEveryWindowBothWays) {
    static const std::string much(3'000'000, 'x');
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        const auto body = co_await read_body(request);
        EXPECT_EQ(body.size(), much.size());
        ResponseHead head;
        head.status = 200;
        head.body.kind = Framing::chunked;
        auto state = request.respond(head, {}, false);
        for (std::size_t sent = 0; sent < body.size(); sent += 100'000) {
            state = request.write(std::string_view(body).substr(sent, 100'000), false);
            while (state == net::IoState::blocked) {
                co_await request.wakeup().wait();
                state = request.flush();
            }
        }
        Fields trailers;
        trailers.add("x-sum", "7");
        (void)request.write({}, true, &trailers);
        EXPECT_EQ(request.body_sent(), body.size());
        EXPECT_EQ(request.body_received(), body.size());
    };
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        H2Client client;
        const auto id = client.request(post("/"), {.bytes = much, .trailers = {}});
        co_await talk_until(client, end, all_closed);
        EXPECT_TRUE(client.bodies[id] == much);
        EXPECT_EQ(client.headers[id].back(), (std::pair<std::string, std::string>("x-sum", "7")));
    });
}

TEST(H2Connection, LeavesTheConnectionUsableBehindBodiesNobodyReads) {
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        respond_with(request, 413, "no");
        co_return;
    };
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        H2Client client;
        // Together more than the connection's window: what each leaves unread must be given back.
        for (int i = 0; i < 40; ++i) {
            client.closed.clear();
            client.headers.clear();
            const auto id =
                client.request(post("/"), {.bytes = std::string(60'000, 'x'), .trailers = {}});
            co_await talk_until(client, end, all_closed);
            EXPECT_EQ(client.status(id), "413");
            EXPECT_EQ(client.bodies[id], "no");
        }
    });
    EXPECT_EQ(talk.handler.requests, 40);
}

TEST(H2Connection, RefusesAHeadOverItsLimitsAndStaysOpen) {
    Talk talk;
    talk.limits.head.target_bytes_max = 100;
    talk.limits.head.fields_max = 10;
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        H2Client client;
        const auto long_target = client.request(get("/" + std::string(200, 'x')));
        auto many = get("/");
        for (int i = 0; i < 11; ++i) many.emplace_back("x", "y");
        const auto many_fields = client.request(many);
        const auto sound = client.request(get("/"));
        const auto enough = [](H2Client& h2) { return h2.closed.size() == 3; };
        co_await talk_until(client, end, enough);
        EXPECT_EQ(client.status(long_target), "414");
        EXPECT_EQ(client.status(many_fields), "431");
        EXPECT_EQ(client.status(sound), "200");
    });
}

TEST(H2Connection, TellsAnExchangeThatItsStreamWasReset) {
    static bool noticed;
    noticed = false;
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        while (!request.gone()) co_await request.wakeup().wait();
        noticed = true;
        ResponseHead head;
        head.status = 200;
        EXPECT_EQ(request.body().state, BodyPiece::State::closed);
        EXPECT_EQ(request.respond(head, "late", true), net::IoState::failed);
        request.abort();
    };
    talk.run([](Talk& t, FarEnd& end) -> Task<> {
        H2Client client;
        H2Client::Body open;
        open.ends = false;
        open.has = true;
        const auto id = client.request(post("/"), open);
        co_await end.send(client.take());
        while (t.handler.requests == 0) co_await net::Sleep(t.loop, milliseconds(1));
        client.reset(id, 8);
        co_await end.send(client.take());
        t.handler.script = nullptr;
        const auto next = client.request(get("/next"));
        const auto enough = [](H2Client& h2) { return h2.closed.size() == 2; };
        co_await talk_until(client, end, enough);
        EXPECT_EQ(client.bodies[next], "GET /next ");
    });
    EXPECT_TRUE(noticed);
}

TEST(H2Connection, ResetsAStreamThatMustNotPassForComplete) {
    constexpr ScriptedHandler::Script scripts[] = {
        [](Downstream& request) -> Task<> {
            ResponseHead head;
            head.status = 200;
            head.body.kind = Framing::chunked;
            (void)request.respond(head, "half", false);
            request.abort();
            co_return;
        },
        [](Downstream&) -> Task<> { co_return; },
    };
    for (const auto script : scripts) {
        Talk talk;
        talk.handler.script = script;
        talk.run([](Talk&, FarEnd& end) -> Task<> {
            H2Client client;
            const auto id = client.request(get("/"));
            const auto enough = [](H2Client& h2) { return !h2.closed.empty(); };
            co_await talk_until(client, end, enough);
            EXPECT_EQ(client.closed[id], 2U);  // INTERNAL_ERROR
        });
    }
}

TEST(H2Connection, SendsContinueOnlyToAStreamThatWaits) {
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        request.send_continue();
        request.send_continue();
        const auto body = co_await read_body(request);
        respond_with(request, 200, body);
    };
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        H2Client client;
        auto waits = post("/");
        waits.emplace_back("expect", "100-continue");
        const auto a = client.request(waits, {.bytes = "a", .trailers = {}});
        const auto b = client.request(post("/"), {.bytes = "b", .trailers = {}});
        const auto enough = [](H2Client& h2) { return h2.closed.size() == 2; };
        co_await talk_until(client, end, enough);
        const auto statuses = [&client](StreamId id) {
            std::string text;
            for (const auto& [name, value] : client.headers[id]) {
                if (name == ":status") text += value + " ";
            }
            return text;
        };
        EXPECT_EQ(statuses(a), "100 200 ");
        EXPECT_EQ(statuses(b), "200 ");
    });
}

TEST(H2Connection, WaitsForItsExchangesWhenTheClientLeavesThemAll) {
    static int ended;
    ended = 0;
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        while (!request.gone()) co_await request.wakeup().wait();
        co_await net::Sleep(request.wakeup().loop(), milliseconds(5));
        EXPECT_EQ(request.request().target, "/kept");  // its own copy of the head
        ++ended;
    };
    talk.run([](Talk& t, FarEnd& end) -> Task<> {
        H2Client client;
        for (int i = 0; i < 3; ++i) client.request(get("/kept"));
        co_await end.send(client.take());
        while (t.handler.requests < 3) co_await net::Sleep(t.loop, milliseconds(1));
        end.close_with_reset();
    });
    EXPECT_EQ(ended, 3);
    EXPECT_TRUE(talk.served);
}

TEST(H2Connection, SaysWhyWhenThePeerSpeaksSomethingElse) {
    Talk talk;
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        co_await end.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        (void)co_await end.rest();
        EXPECT_TRUE(end.over());
    });
    EXPECT_EQ(talk.handler.requests, 0);
    EXPECT_TRUE(talk.served);
}

}  // namespace
}  // namespace gh::http
