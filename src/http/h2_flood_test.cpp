// Clients that ask for work and bring none.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "http/h2_test_peers.hpp"

namespace gh::http {
namespace {

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
    std::string out;
    for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift & 0xff);
    out += static_cast<char>(type);
    out += static_cast<char>(flags);
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift & 0xff);
    return out += payload;
}

class H2Flood : public H2Test {
 protected:
    void SetUp() override {
        start({.idle_frames_max = 100,
               .idle_frames_per_second = 10,
               .resets_max = 50,
               .resets_per_second = 10});
        talk();
    }
    /// How many of these frames go down before the connection is ended; at most `tries`.
    int survives(const std::string& bytes, int tries, std::string* out = nullptr) {
        for (int i = 0; i < tries; ++i) {
            if (!session->feed(bytes, now)) return i;
            std::string down;
            session->pull(down);
            if (out != nullptr) *out += down;
            if (session->finished()) return i;
        }
        return tries;
    }
};

TEST_F(H2Flood, IsEndedWhateverItIsMadeOf) {
    const auto open = client.request(post(), {.bytes = "x", .ends = false});
    talk();
    ASSERT_EQ(open, 1);
    const std::pair<const char*, std::string> cases[] = {
        {"PING", frame(6, 0, 0, "12345678")},
        {"SETTINGS", frame(4, 0, 0, "")},
        {"PRIORITY", frame(2, 0, 1, std::string("\0\0\0\0\x10", 5))},
        {"WINDOW_UPDATE", frame(8, 0, 0, std::string("\0\0\0\x01", 4))},
        {"empty DATA", frame(0, 0, 1, "")},
        {"padding only", frame(0, 8, 1, std::string("\0", 1))},
        {"window of zero", frame(8, 0, 1, std::string("\0\0\0\0", 4))},
    };
    for (const auto& [name, bytes] : cases) {
        SCOPED_TRACE(name);
        H2Recorder other;
        H2Session attacked({.idle_frames_max = 100, .idle_frames_per_second = 10}, other, now);
        other.session = &attacked;
        H2Client opener;
        opener.request(post(), {.bytes = "x", .ends = false});
        ASSERT_TRUE(attacked.feed(opener.take(), now));
        session.emplace(std::move(attacked));
        other.session = &*session;
        std::string out;
        EXPECT_LT(survives(bytes, 1000, &out), 150);
        session.reset();
    }
}

TEST_F(H2Flood, OfResetsIsEnded) {
    // One HEADERS block of static entries, GET / https, and a literal :authority; then RST_STREAM.
    int sent = 0;
    for (std::uint32_t stream = 1; stream < 4000 && !session->finished(); stream += 2, ++sent) {
        const auto bytes = frame(1, 5, stream, std::string("\x82\x84\x87\x01\x01") + "a") +
                           frame(3, 0, stream, std::string("\0\0\0\x08", 4));
        if (!session->feed(bytes, now)) break;
        std::string down;
        session->pull(down);
    }
    EXPECT_LT(sent, 100);
    EXPECT_GT(sent, 40);
}

TEST_F(H2Flood, OfContinuationsIsEnded) {
    std::string bytes = frame(1, 1, 1, "\x82\x84\x87");
    for (int i = 0; i < 100; ++i) bytes += frame(9, 0, 1, "");
    const auto fed = session->feed(bytes, now);
    std::string down;
    session->pull(down);
    EXPECT_TRUE(!fed || session->finished());
}

TEST_F(H2Flood, OfResetsThatTheServerIsMadeToSendIsEnded) {
    int sent = 0;
    for (std::uint32_t stream = 1; stream < 4000 && !session->finished(); stream += 2, ++sent) {
        // A window that overflows makes the server reset the stream.
        const auto bytes = frame(1, 5, stream, std::string("\x82\x84\x87\x01\x01") + "a") +
                           frame(8, 0, stream, "\x7f\xff\xff\xff");
        if (!session->feed(bytes, now)) break;
        std::string down;
        session->pull(down);
    }
    EXPECT_LT(sent, 100);
}

TEST_F(H2Flood, IsNotWhatAPatientClientDoes) {
    const auto ping = frame(6, 0, 0, "12345678");
    for (int i = 0; i < 2000; ++i) {
        ASSERT_TRUE(session->feed(ping, now)) << i;
        std::string down;
        session->pull(down);
        now += milliseconds(200);
    }
}

TEST_F(H2Flood, IsNotWhatADownloadDoes) {
    H2Client wide(65535);
    start({.idle_frames_max = 100, .idle_frames_per_second = 1});
    const auto stream = wide.request(get());
    ASSERT_TRUE(session->feed(wide.take(), now));
    answer(stream, std::string(4'000'000, 'x'));
    for (int i = 0; i < 10'000; ++i) {
        std::string down;
        session->pull(down);
        wide.give(down);
        const auto up = wide.take();
        ASSERT_TRUE(session->feed(up, now));
        if (up.empty() && down.empty()) break;
    }
    EXPECT_EQ(wide.bodies[stream].size(), 4'000'000U);
}

TEST_F(H2Test, LetsOnlySoManyStreamsBeOpen) {
    start({.streams_max = 3});
    talk();
    for (int i = 0; i < 10; ++i) client.request(get());
    talk();
    EXPECT_EQ(session->open_streams(), 3U);
    while (!recorder.heads.empty()) {
        answer(recorder.heads.begin()->first, "x");
        talk();
        EXPECT_LE(session->open_streams(), 3U);
    }
    EXPECT_EQ(std::ranges::count(recorder.log, "request GET / end"), 10);
}

}  // namespace
}  // namespace gh::http
