#include "gateway/proxy/request_body.hpp"

#include "gateway/proxy/testing.hpp"

namespace gh::gateway::proxy {
namespace {

using Buffered = RequestBody::Buffered;
using http::BodyPiece;

struct RequestBodyTest : ::testing::Test {
    FakeHouse house;

    void begin(std::uint64_t bytes_max = 1024 * 1024) {
        house.route().config.request_body_max = bytes_max;
        house.snapshot->limits.body_idle_timeout = milliseconds(50);
        house.begin();
    }
    [[nodiscard]] Buffered buffer(RequestBody& body,
                                  const std::filesystem::path& directory = "/tmp") {
        auto how = Buffered::complete;
        run(house, buffering(body, directory, how));
        return how;
    }
    static Task<> buffering(RequestBody& body, std::filesystem::path directory, Buffered& how) {
        how = co_await body.buffer(std::move(directory));
    }
    static std::string replayed(RequestBody& body) {
        std::string all;
        for (;;) {
            const auto piece = body.next();
            if (piece.state != BodyPiece::State::data) {
                EXPECT_EQ(piece.state, BodyPiece::State::end);
                return all;
            }
            all += piece.bytes;
        }
    }
};

TEST_F(RequestBodyTest, IsReadWholeAndCanBeSentAgain) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{256 * 1024},
                                   std::size_t{256 * 1024 + 1}, std::size_t{700'000}}) {
        SCOPED_TRACE(size);
        std::string sent(size, 'x');
        for (std::size_t i = 0; i < size; i += 61) sent[i] = static_cast<char>('a' + i % 26);
        house.client.send({sent.substr(0, size / 2), "", sent.substr(size / 2)}, true);
        begin();
        RequestBody body(house.exchange);
        ASSERT_EQ(buffer(body), Buffered::complete);
        EXPECT_EQ(body.framing().kind, http::Framing::length) << "known now";
        EXPECT_EQ(body.framing().length, size);
        for (int attempt = 0; attempt < 2; ++attempt) {
            EXPECT_TRUE(body.replayable());
            body.rewind();
            EXPECT_TRUE(replayed(body) == sent);
        }
    }
}

TEST_F(RequestBodyTest, EndsWhereItsLimitIsCrossedAndNotBefore) {
    for (const std::uint64_t most : {10U, 9U}) {
        house.client.send({"hello", "world"}, true);
        begin(most);
        RequestBody body(house.exchange);
        EXPECT_EQ(buffer(body), most == 10 ? Buffered::complete : Buffered::too_large);
    }
    house.client.send({"hello", "world"}, true);
    begin(9);
    RequestBody streamed(house.exchange);
    EXPECT_EQ(streamed.next().bytes, "hello");
    EXPECT_FALSE(streamed.too_large());
    EXPECT_FALSE(streamed.replayable()) << "a part has gone";
    (void)streamed.next();
    EXPECT_TRUE(streamed.too_large());
}

TEST_F(RequestBodyTest, TellsHowReadingItFailed) {
    struct Case {
        BodyPiece::State ends;
        bool leaves;
        Buffered expected;
    };
    const Case cases[] = {
        {BodyPiece::State::malformed, false, Buffered::malformed},
        {BodyPiece::State::closed, false, Buffered::client_gone},
        {BodyPiece::State::blocked, false, Buffered::client_slow},
        {BodyPiece::State::blocked, true, Buffered::client_gone},
    };
    for (const auto& c : cases) {
        FakeHouse own;
        own.route().config.request_body_max = 100;
        own.snapshot->limits.body_idle_timeout = milliseconds(30);
        own.client.send({"hello"}, true);
        own.client.body_end = c.ends;
        own.client.left = c.leaves;
        own.begin();
        RequestBody body(own.exchange);
        auto how = Buffered::complete;
        run(own, buffering(body, "/tmp", how));
        EXPECT_EQ(how, c.expected);
        EXPECT_EQ(own.client.continues, 1);
    }
}

TEST_F(RequestBodyTest, SaysThatThereIsNoRoomForALongOne) {
    house.client.send({std::string(300'000, 'x')});
    begin();
    RequestBody body(house.exchange);
    EXPECT_EQ(buffer(body, "/nowhere/at/all"), Buffered::no_room);
}

}  // namespace
}  // namespace gh::gateway::proxy
