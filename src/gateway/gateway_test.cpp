#include "gateway/gateway.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "gateway/standard_pipeline.hpp"
#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

Task<Result<api::Reply>> fine(api::Call call) {
    api::Reply reply;
    reply.body = "{\"path\":\"" + std::string(call.path) + "\"}";
    reply.fields.emplace_back("X-Room", "one");
    co_return reply;
}

Task<Result<api::Reply>> broken(api::Call) {
    co_return fail(ErrorKind::unavailable, "storage.away", "password of the database is hunter2");
}

Task<Result<api::Reply>> buggy(api::Call) {
    throw std::runtime_error("index 7 of hunter2");
    co_return api::Reply{};
}

Task<Result<api::Reply>> nothing(api::Call) {
    api::Reply reply;
    reply.status = 204;
    reply.body = "not to be sent";
    co_return reply;
}

class GatewayTest : public testing::Test {
 protected:
    GatewayTest() {
        house.worker.snapshot = house.snapshot;
        house.worker.pipeline = standard_pipeline(house.services, house.authenticator);
        house.services.access_log = &lines;
        house.add_own("/fine", fine);
        house.add_own("/fine", fine, "HEAD");
        house.add_own("/broken", broken);
        house.add_own("/buggy", buggy);
        house.add_own("/nothing", nothing);
    }
    FakeDownstream& ask(std::string_view method, std::string_view target) {
        house.client.ask(method, target);
        spawn(gateway.handle(house.client));
        return house.client;
    }
    std::string field(std::string_view name) {
        std::string text;
        for (const auto& [key, value] : house.client.answer_fields) {
            if (http::equals_ignoring_case(key, name)) text += value;
        }
        return text;
    }
    void see_it_end_in_a_drain(std::string_view path) {
        house.worker.loop.post([&] {
            ask("GET", path);
            EXPECT_EQ(house.worker.exchanges_open, 1U);
            house.worker.draining = true;
            house.client.wakeup().wake();
            house.worker.loop.post([&] { house.worker.loop.stop(); });
        });
        house.worker.loop.run();
        EXPECT_TRUE(house.client.complete);
        EXPECT_EQ(house.worker.exchanges_open, 0U);
    }
    FakeHouse house;
    Gateway gateway{house.worker};
    KeptLines lines;
};

TEST_F(GatewayTest, AnswersWithWhatAHandlerSays) {
    const auto& client = ask("GET", "/fine");
    EXPECT_EQ(client.status, 200);
    EXPECT_EQ(client.answer, R"({"path":"/fine"})");
    EXPECT_TRUE(client.complete);
    EXPECT_EQ(field("Content-Type"), "application/json");
    EXPECT_EQ(field("Cache-Control"), "no-store");
    EXPECT_EQ(field("X-Room"), "one");
    EXPECT_EQ(field("X-Content-Type-Options"), "nosniff");
    EXPECT_FALSE(field("Date").empty());
    EXPECT_TRUE(lines.text.contains("\"status\":200")) << lines.text;
    EXPECT_EQ(house.worker.exchanges_open, 0U);
}

TEST_F(GatewayTest, TellsHeadTheLengthOfWhatItDoesNotSend) {
    EXPECT_EQ(ask("HEAD", "/fine").status, 200);
    EXPECT_EQ(house.client.answer, "");
    EXPECT_EQ(field("Content-Length"), "16");
}

TEST_F(GatewayTest, SendsNoBodyWithAStatusThatHasNone) {
    EXPECT_EQ(ask("GET", "/nothing").status, 204);
    EXPECT_EQ(house.client.answer, "");
}

TEST_F(GatewayTest, TellsOperatorsWhatWentWrongAndNotTheClient) {
    EXPECT_EQ(ask("GET", "/broken").status, 503);
    EXPECT_TRUE(house.client.answer.contains("storage.away"));
    EXPECT_FALSE(house.client.answer.contains("hunter2")) << house.client.answer;
    EXPECT_TRUE(house.logged.text.contains("hunter2"));
}

TEST_F(GatewayTest, AnswersWithABareErrorWhereItMetABug) {
    EXPECT_EQ(ask("GET", "/buggy").status, 500);
    EXPECT_TRUE(house.client.answer.contains(R"("code":"internal")")) << house.client.answer;
    EXPECT_FALSE(house.client.answer.contains("index 7")) << house.client.answer;
    EXPECT_EQ(field("X-Content-Type-Options"), "nosniff");
    EXPECT_TRUE(house.logged.text.contains("index 7"));
    EXPECT_EQ(house.worker.exchanges_open, 0U);
}

TEST_F(GatewayTest, AnswersOnceItIsKnownWhoAsks) {
    house.add_own(api::Route{.method = "GET",
                             .path = "/mine",
                             .access = access::Access::authenticated(),
                             .handle = fine});
    house.authenticator.standing = access::Verdict::Standing::pending;
    house.client.with("X-API-Key", "good");
    house.worker.loop.post([&] {
        ask("GET", "/mine");
        EXPECT_FALSE(house.client.responded());
        EXPECT_EQ(house.worker.exchanges_open, 1U);
        house.authenticator.standing = access::Verdict::Standing::judged;
        house.authenticator.line.wake_all();
        house.worker.loop.post([&] { house.worker.loop.stop(); });  // once it has been heard
    });
    house.worker.loop.run();
    EXPECT_EQ(house.client.status, 200);
    EXPECT_EQ(house.client.answer, R"({"path":"/mine"})");
    EXPECT_EQ(house.worker.exchanges_open, 0U);
}

TEST_F(GatewayTest, LeavesWhoWentBeforeThatUnanswered) {
    house.add_own(api::Route{.method = "GET",
                             .path = "/mine",
                             .access = access::Access::authenticated(),
                             .handle = fine});
    house.authenticator.standing = access::Verdict::Standing::pending;
    house.client.with("X-API-Key", "good");
    house.worker.loop.post([&] {
        ask("GET", "/mine");
        house.client.left = true;
        house.client.wakeup().wake();
        house.worker.loop.post([&] { house.worker.loop.stop(); });  // once it has been heard
    });
    house.worker.loop.run();
    EXPECT_FALSE(house.client.responded());
    EXPECT_TRUE(house.client.aborted);
    EXPECT_TRUE(lines.text.contains("\"outcome\":\"client_gone\"")) << lines.text;
    EXPECT_EQ(house.worker.exchanges_open, 0U);
}

Task<Result<api::Reply>> count_to_three(api::Call) {
    api::Reply reply;
    reply.content_type = "text/event-stream";
    reply.tell = [](api::Stream& stream) -> Task<> {
        for (const auto* each : {"one ", "two ", "three"}) {
            if (!co_await stream.write(each)) co_return;
        }
    };
    co_return reply;
}

Task<Result<api::Reply>> wait_for_ever(api::Call) {
    api::Reply reply;
    reply.tell = [](api::Stream& stream) -> Task<> {
        while (co_await stream.write(".")) co_await stream.wait(SteadyTime::max());
    };
    co_return reply;
}

Task<Result<api::Reply>> stumble(api::Call) {
    api::Reply reply;
    reply.tell = [](api::Stream& stream) -> Task<> {
        if (co_await stream.write("half of it")) throw std::runtime_error("index 7 of hunter2");
    };
    co_return reply;
}

Task<Result<api::Reply>> poll(api::Call call) {
    while (!call.client_gone()) co_await call.client->wait(SteadyTime::max());
    co_return api::no_content();
}

/// Within five seconds.
Task<> stop_when_quiet(Worker& worker) {
    for (int round = 0; round < 500 && worker.exchanges_open > 0; ++round) {
        net::Sleep pause(worker.loop, std::chrono::milliseconds(10));
        co_await pause;
    }
    worker.loop.stop();
}

TEST_F(GatewayTest, TellsAnAnswerAsItComes) {
    house.add_own("/three", count_to_three);
    house.add_own("/three", count_to_three, "HEAD");
    EXPECT_EQ(ask("GET", "/three").answer, "one two three");
    EXPECT_TRUE(house.client.complete);
    EXPECT_EQ(field("Content-Type"), "text/event-stream");
    EXPECT_EQ(field("Content-Length"), "");
    house.client.reset();
    EXPECT_EQ(ask("HEAD", "/three").answer, "");
    EXPECT_TRUE(house.client.complete);
    EXPECT_EQ(field("Content-Length"), "") << "nobody knows it";
    EXPECT_EQ(house.worker.exchanges_open, 0U);
}

TEST_F(GatewayTest, CutsAnAnswerThatMetABugInTheMiddle) {
    house.add_own("/stumble", stumble);
    EXPECT_EQ(ask("GET", "/stumble").answer, "half of it");
    EXPECT_FALSE(house.client.complete);
    EXPECT_TRUE(house.client.aborted);
    EXPECT_TRUE(house.logged.text.contains("index 7"));
    EXPECT_EQ(house.worker.exchanges_open, 0U);
}

TEST_F(GatewayTest, EndsWhatIsToldOnceNobodyIsThereToHear) {
    house.add_own("/ever", wait_for_ever);
    house.worker.loop.post([&] {
        ask("GET", "/ever");
        EXPECT_EQ(house.client.answer, ".");
        house.client.wakeup().wake();
        house.worker.loop.post([&] {
            EXPECT_EQ(house.client.answer, "..");
            house.client.left = true;
            house.client.wakeup().wake();
            house.worker.loop.post([&] { house.worker.loop.stop(); });
        });
    });
    house.worker.loop.run();
    EXPECT_EQ(house.client.answer, "..");
    EXPECT_TRUE(lines.text.contains("\"outcome\":\"client_gone\"")) << lines.text;
    EXPECT_EQ(house.worker.exchanges_open, 0U);
}

TEST_F(GatewayTest, EndsWhatIsToldWhenTheHouseStops) {
    house.add_own("/ever", wait_for_ever);
    see_it_end_in_a_drain("/ever");
}

TEST_F(GatewayTest, EndsPollsWhenTheHouseStops) {
    house.add_own("/poll", poll);
    see_it_end_in_a_drain("/poll");
}

TEST_F(GatewayTest, EndsWhatIsToldWithItsCredential) {
    house.add_own(api::Route{.method = "GET",
                             .path = "/mine",
                             .access = access::Access::authenticated(),
                             .handle = wait_for_ever});
    house.client.with("X-API-Key", "good");
    house.authenticator.principal->expires =
        std::chrono::system_clock::now() + std::chrono::milliseconds(50);
    house.worker.loop.post([&] {
        ask("GET", "/mine");
        EXPECT_FALSE(house.client.complete);
        spawn(stop_when_quiet(house.worker));
    });
    house.worker.loop.run();
    EXPECT_TRUE(house.client.complete);
    EXPECT_TRUE(lines.text.contains("\"outcome\":\"expired\"")) << lines.text;
}

TEST_F(GatewayTest, AnswersForTheServerItself) {
    EXPECT_EQ(ask("OPTIONS", "*").status, 204);
    EXPECT_EQ(house.client.answer, "");
    EXPECT_FALSE(field("Allow").empty());
    EXPECT_EQ(field("Content-Length"), "");
}

}  // namespace
}  // namespace gh::gateway
