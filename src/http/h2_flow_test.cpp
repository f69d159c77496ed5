// Bodies: what is held, what is handed on, and how each side makes the other wait.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h2_test_peers.hpp"

namespace gh::http {
namespace {

class H2Flow : public H2Test {};

TEST_F(H2Flow, HandsBodiesOnAndKeepsTrailers) {
    auto stream = client.request(post(), {.bytes = "abc", .trailers = {{"x-sum", "1"}}});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "end abc 1"}));
    EXPECT_EQ(recorder.heads.at(stream)->body.kind, Framing::chunked);

    recorder.log.clear();
    stream = client.request(with(post(), {{"content-length", "5"}}), {.bytes = "hello"});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "end hello 0"}));
    EXPECT_EQ(recorder.heads.at(stream)->body.length, 5U);

    recorder.log.clear();
    client.request(with(post(), {{"content-length", "0"}}), {.has = true});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST / end"}));
}

TEST_F(H2Flow, RefusesTrailersThatActLate) {
    const Headers cases[] = {{{"content-length", "3"}},
                             {{"authorization", "Bearer x"}},
                             {{"host", "b"}},
                             {{":path", "/b"}},
                             {{"transfer-encoding", "chunked"}},
                             {{"x", "a\r\nb"}},
                             {{"x-gatehouse-roles", "admin"}}};
    for (const auto& trailers : cases) {
        SCOPED_TRACE(trailers[0].first);
        recorder.log.clear();
        client.request(post(), {.bytes = "abc", .trailers = trailers});
        talk();
        ASSERT_EQ(recorder.log.size(), 2U);
        EXPECT_EQ(recorder.log[0], "request POST /");
        EXPECT_EQ(recorder.log[1], "close 1");
    }
}

TEST_F(H2Flow, ABodyUnlikeItsLengthReachesNobody) {
    for (const std::string length : {"2", "4", "65536"}) {
        SCOPED_TRACE(length);
        const auto stream =
            client.request(with(post(), {{"content-length", length}}), {.bytes = "abc"});
        talk();
        EXPECT_EQ(recorder.log, std::vector<std::string>{});
        EXPECT_EQ(client.closed.at(stream), static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
    }
}

TEST_F(H2Flow, ALongBodyUnlikeItsLengthIsNeverSeenWhole) {
    for (const int difference : {-1, 1}) {
        SCOPED_TRACE(difference);
        recorder.log.clear();
        recorder.received.clear();
        const std::size_t declared = 200'000;
        const std::string body(declared + static_cast<std::size_t>(difference), 'x');
        const auto stream = client.request(
            with(post(), {{"content-length", std::to_string(declared)}}), {.bytes = body});
        talk();
        ASSERT_EQ(recorder.log.size(), 2U);
        EXPECT_EQ(recorder.log[0], "request POST /");
        EXPECT_EQ(recorder.log[1], "close 1");
        EXPECT_LT(recorder.received[stream].size(), declared);
        EXPECT_GT(recorder.received[stream].size(), 0U);
    }
}

TEST_F(H2Flow, HoldsABodyUntilItIsComplete) {
    const auto stream =
        client.request(with(post(), {{"content-length", "5"}}), {.bytes = "hello", .ends = false});
    talk();
    EXPECT_TRUE(recorder.log.empty());
    client.end(stream);
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /", "end hello 0"}));
}

TEST_F(H2Flow, ManyHeldBodiesDoNotStarveEachOther) {
    // Together they are twice what the connection's window lets in, and none ends before all have
    // begun.
    std::vector<StreamId> streams;
    for (int i = 0; i < 40; ++i) {
        streams.push_back(client.request(with(post(), {{"content-length", "60000"}}),
                                         {.bytes = std::string(60000, 'x'), .ends = false}));
    }
    talk();
    for (const auto stream : streams) client.end(stream);
    talk();
    EXPECT_EQ(recorder.log.size(), 80U);
    for (const auto stream : streams) EXPECT_EQ(recorder.received[stream].size(), 60000U);
}

TEST_F(H2Flow, AsksBeforeAnExpectingClientSends) {
    recorder.on_head = [&](StreamId stream, RequestHead& head) {
        EXPECT_TRUE(head.expects_continue);
        session->submit_informational(stream, 100);
    };
    const auto stream =
        client.request(with(post(), {{"content-length", "5"}, {"expect", "100-continue"}}),
                       {.bytes = "", .ends = false, .has = true});
    talk();
    EXPECT_EQ(recorder.log, (std::vector<std::string>{"request POST /"}));
    EXPECT_EQ(client.status(stream), "100");
}

TEST_F(H2Flow, StopsAClientThatIsNotRead) {
    recorder.consumes = false;
    const auto stream = client.request(post(), {.bytes = std::string(1'000'000, 'x')});
    talk();
    EXPECT_EQ(recorder.received[stream].size(), 64U * 1024);
    session->consume(stream, 64 * 1024);
    talk();
    EXPECT_EQ(recorder.received[stream].size(), 128U * 1024);
}

TEST_F(H2Flow, GivesTheConnectionBackWhatAClosedStreamHeld) {
    recorder.consumes = false;
    for (int i = 0; i < 40; ++i) {  // 40 x 64 KiB: more than the connection's window
        const auto stream = client.request(post(), {.bytes = std::string(100'000, 'x')});
        talk();
        ASSERT_EQ(recorder.received[stream].size(), 64U * 1024) << i;
        client.reset(stream, NGHTTP2_CANCEL);
        talk();
        EXPECT_EQ(recorder.log.back(), "close 8");
    }
}

TEST_F(H2Flow, SendsALargeBodyInBoundedPieces) {
    H2Client wide(8 * 1024 * 1024);
    const auto stream = wide.request(get());
    ASSERT_TRUE(session->feed(wide.take(), now));
    std::string body(3'000'000, 'x');
    for (std::size_t i = 0; i < body.size(); i += 7) body[i] = static_cast<char>('a' + i % 26);
    answer(stream, body);
    for (int i = 0; i < 10'000 && session->wants_write(); ++i) {
        std::string down;
        session->pull(down, 32 * 1024);
        EXPECT_LE(down.size(), 32U * 1024 + 16 * 1024 + 9);
        wide.give(down);
    }
    EXPECT_EQ(wide.bodies[stream], body);
    EXPECT_FALSE(wide.closed.contains(stream) && wide.closed[stream] != 0);
}

TEST_F(H2Flow, WaitsForASlowProducerAndForASlowClient) {
    recorder.parked = true;
    const auto stream = client.request(get());
    talk();
    ResponseHead head;
    head.status = 200;
    head.body.kind = Framing::chunked;
    session->submit_response(stream, head, true);
    talk();
    const auto fills = recorder.fills;
    talk();
    EXPECT_EQ(recorder.fills, fills);  // parked: not asked again
    recorder.bodies[stream] = "one";
    session->resume(stream);
    talk();
    EXPECT_EQ(client.bodies[stream], "one");
    recorder.parked = false;
    recorder.bodies[stream] = "two";
    session->resume(stream);
    talk();
    EXPECT_EQ(client.bodies[stream], "onetwo");
    EXPECT_EQ(recorder.log.back(), "close 0");
}

TEST_F(H2Flow, InterleavesStreams) {
    std::vector<StreamId> streams;
    for (int i = 0; i < 10; ++i) streams.push_back(client.request(get("/" + std::to_string(i))));
    talk();
    for (const auto stream : streams)
        answer(stream, std::string(100'000, static_cast<char>('a' + stream % 26)));
    talk();
    for (const auto stream : streams) {
        EXPECT_EQ(client.bodies[stream],
                  std::string(100'000, static_cast<char>('a' + stream % 26)));
    }
}

TEST_F(H2Flow, SendsTrailersAfterTheBody) {
    const auto stream = client.request(get());
    talk();
    Fields trailers;
    trailers.add("grpc-status", "0");
    session->submit_trailers(stream, trailers);
    answer(stream, "x");
    talk();
    EXPECT_EQ(client.headers[stream].back(), (Header{"grpc-status", "0"}));
    EXPECT_EQ(client.closed.at(stream), 0U);
}

}  // namespace
}  // namespace gh::http
