#include "net/socket_stream.hpp"

#include "net/stream_test_ends.hpp"

namespace gh::net {
namespace {

std::string pattern(std::size_t size) {
    std::string bytes(size, 'x');
    for (std::size_t i = 0; i < size; i += 61) bytes[i] = static_cast<char>('a' + i % 26);
    return bytes;
}

TEST(SocketStreamEdges, KeepsWhatThePeerHasNoRoomForWhereverItIsCut) {
    // The kernel's buffer ends within the first piece, within the second, or behind both.
    for (const std::size_t first_size : {std::size_t{0}, std::size_t{10}, std::size_t{100'000}}) {
        SCOPED_TRACE(first_size);
        Loop loop;
        SocketEnds ends(4'096);
        SocketStream stream(loop, ends.ours.release());
        turn(loop);
        const auto sent = pattern(200'000);
        const std::string_view text = sent;
        EXPECT_EQ(stream.write(text.substr(0, first_size), text.substr(first_size)),
                  IoState::blocked);
        EXPECT_TRUE(stream.pending());
        std::string heard = ends.hear();
        EXPECT_LT(heard.size(), sent.size());
        for (int i = 0; i < 1'000 && stream.pending(); ++i) {
            turn(loop);
            EXPECT_NE(stream.flush(), IoState::failed);
            heard += ends.hear();
        }
        EXPECT_FALSE(stream.pending());
        EXPECT_EQ(stream.flush(), IoState::done);
        EXPECT_TRUE(heard == sent);
    }
}

TEST(SocketStreamEdges, ReadsNothingUntilSomethingArrivesAndTheEndOnce) {
    Loop loop;
    SocketEnds ends;
    SocketStream stream(loop, ends.ours.release());
    turn(loop);
    EXPECT_FALSE(stream.has_input());
    EXPECT_EQ(stream.read(loop.scratch()).state, IoState::blocked);
    ends.say("abc");
    turn(loop);
    EXPECT_TRUE(stream.has_input());
    const auto small = stream.read(loop.scratch().first(2));  // more is left: no edge will tell
    EXPECT_EQ(small.bytes, 2U);
    EXPECT_TRUE(stream.has_input());
    EXPECT_EQ(stream.read(loop.scratch().first(2)).bytes, 1U);
    {
        const auto gone = std::move(ends.peer);
    }
    turn(loop);
    EXPECT_TRUE(stream.peer_closed());
    EXPECT_EQ(stream.read(loop.scratch()).state, IoState::ended);
    EXPECT_EQ(stream.read(loop.scratch()).state, IoState::ended);
}

TEST(SocketStreamEdges, FailsTowardsAPeerThatHasGone) {
    Loop loop;
    SocketEnds ends(4'096);
    SocketStream stream(loop, ends.ours.release());
    turn(loop);
    EXPECT_EQ(stream.write(pattern(100'000)), IoState::blocked);
    {
        const auto gone = std::move(ends.peer);
    }
    turn(loop);
    EXPECT_EQ(stream.flush(), IoState::failed);
    EXPECT_EQ(stream.flush(), IoState::failed);
}

}  // namespace
}  // namespace gh::net
