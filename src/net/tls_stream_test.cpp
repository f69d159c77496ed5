#include "net/tls_stream.hpp"

#include <openssl/bio.h>

#include <memory>

#include "net/memory_handshake.hpp"
#include "net/stream_test_ends.hpp"

namespace gh::net {
namespace {

/// A server made of bare OpenSSL, so that it can misbehave; ours is the client, as towards an upstream.
class TlsStreamTest : public ::testing::Test {
 protected:
    void begin(int buffer_bytes = 0) {
        ends_ = std::make_unique<SocketEnds>(buffer_bytes);
        server_ = context_->new_session();
        BIO* in = BIO_new(BIO_s_mem());
        BIO* out = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(in, -1);
        SSL_set_bio(server_.get(), in, out);
        ours_ =
            std::make_unique<TlsStream>(loop_, ends_->ours.release(), AnyClient{}.new_session());
    }
    void connect(int buffer_bytes = 0) {
        begin(buffer_bytes);
        bool done = false;
        for (int i = 0; i < 20 && !(done && SSL_is_init_finished(server_.get())); ++i) {
            turn(loop_);
            done = ours_->handshake() == IoState::done;
            hear();
            SSL_do_handshake(server_.get());
            ends_->say(said());
        }
        ASSERT_TRUE(done && SSL_is_init_finished(server_.get()));
        turn(loop_);
        EXPECT_EQ(read(), "");  // the tickets
    }
    /// The server's ciphertext so far, not sent yet.
    [[nodiscard]] std::string said() const {
        BIO* out = SSL_get_wbio(server_.get());
        std::string bytes(BIO_ctrl_pending(out), '\0');
        if (!bytes.empty()) BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    }
    [[nodiscard]] std::string sealed(std::string_view text) const {
        EXPECT_EQ(SSL_write(server_.get(), text.data(), static_cast<int>(text.size())),
                  static_cast<int>(text.size()));
        return said();
    }
    [[nodiscard]] std::string farewell() const {
        SSL_shutdown(server_.get());
        return said();
    }
    void hear() const {
        const auto heard = ends_->hear();
        BIO_write(SSL_get_rbio(server_.get()), heard.data(), static_cast<int>(heard.size()));
    }
    [[nodiscard]] std::string opened() const {
        hear();
        std::string text;
        std::array<char, 16 * 1024> block;
        for (;;) {
            const int n = SSL_read(server_.get(), block.data(), static_cast<int>(block.size()));
            if (n <= 0) return text;
            text.append(block.data(), static_cast<std::size_t>(n));
        }
    }
    [[nodiscard]] Io read_once() { return ours_->read(loop_.scratch()); }
    /// All there is now; how that ended is in `state_`.
    [[nodiscard]] std::string read() {
        std::string text;
        for (;;) {
            const auto io = read_once();
            state_ = io.state;
            if (io.state != IoState::done) return text;
            text.append(loop_.scratch().data(), io.bytes);
        }
    }

    const TestAuthority authority_;
    const std::shared_ptr<const TlsContext> context_ =
        TlsContext::make({.certificates = {authority_.server({"a.example"})}}, right_now()).value();
    Loop loop_;
    std::unique_ptr<SocketEnds> ends_;
    SslHandle server_;
    std::unique_ptr<TlsStream> ours_;
    IoState state_ = IoState::blocked;
};

TEST_F(TlsStreamTest, EndsAtACloseNotifyThatCameWithTheLastBytesAndWithoutAFin) {
    connect();
    ends_->say(sealed("last") + farewell());
    turn(loop_);
    const auto io = read_once();
    EXPECT_EQ(std::string_view(loop_.scratch().data(), io.bytes), "last");
    EXPECT_TRUE(ours_->has_input()) << "the end has not been read yet";
    EXPECT_EQ(read_once().state, IoState::ended);
    EXPECT_EQ(read_once().state, IoState::ended);
}

TEST_F(TlsStreamTest, TakesAnEndWithoutCloseNotifyForAFailure) {
    connect();
    ends_->say(sealed("part"));
    {
        const auto gone = std::move(ends_->peer);
    }
    turn(loop_);
    EXPECT_EQ(read(), "part");
    EXPECT_EQ(state_, IoState::failed);
    EXPECT_FALSE(ours_->failure().empty());
    EXPECT_TRUE(ours_->peer_closed());
}

TEST_F(TlsStreamTest, FailsAtARecordThatWasChangedBehindOneThatWasNot) {
    connect();
    const auto good = sealed("good");
    auto bad = sealed("evil");
    bad.back() = static_cast<char>(bad.back() ^ 1);
    ends_->say(good + bad);
    turn(loop_);
    EXPECT_EQ(read(), "good");
    EXPECT_EQ(state_, IoState::failed);
    EXPECT_EQ(read_once().state, IoState::failed);
}

TEST_F(TlsStreamTest, ReadsARecordThatComesInDrops) {
    connect();
    const auto record = sealed("drops");
    for (std::size_t i = 0; i + 1 < record.size(); ++i) {
        ends_->say(record.substr(i, 1));
        turn(loop_);
        ASSERT_EQ(read(), "") << i;
        ASSERT_EQ(state_, IoState::blocked) << i;
    }
    ends_->say(record.substr(record.size() - 1));
    turn(loop_);
    EXPECT_EQ(read(), "drops");
}

TEST_F(TlsStreamTest, HandsOutARecordInPiecesAsSmallAsTheReaderWants) {
    connect();
    ends_->say(sealed("abcdef"));
    turn(loop_);
    std::string text;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(ours_->has_input());
        const auto io = ours_->read(loop_.scratch().first(2));
        text.append(loop_.scratch().data(), io.bytes);
    }
    EXPECT_EQ(text, "abcdef");
    EXPECT_EQ(read_once().state, IoState::blocked);
}

TEST_F(TlsStreamTest, KeepsCiphertextThePeerHasNoRoomFor) {
    connect(4'096);
    std::string sent(200'000, 'x');
    for (std::size_t i = 0; i < sent.size(); i += 61) sent[i] = static_cast<char>('a' + i % 26);
    const std::string_view text = sent;
    EXPECT_EQ(ours_->write(text.substr(0, 1'000), text.substr(1'000)), IoState::blocked);
    EXPECT_TRUE(ours_->pending());
    std::string heard;
    for (int i = 0; i < 1'000 && (ours_->pending() || heard.size() < sent.size()); ++i) {
        turn(loop_);
        ASSERT_NE(ours_->flush(), IoState::failed);
        heard += opened();
    }
    EXPECT_TRUE(heard == sent);
    ours_->finish_writing();
    EXPECT_EQ(opened(), "");
    EXPECT_EQ(SSL_get_shutdown(server_.get()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

TEST_F(TlsStreamTest, FailsTowardsAPeerThatHasGone) {
    connect(4'096);
    EXPECT_EQ(ours_->write(std::string(100'000, 'x')), IoState::blocked);
    {
        const auto gone = std::move(ends_->peer);
    }
    turn(loop_);
    EXPECT_EQ(ours_->flush(), IoState::failed);
}

TEST_F(TlsStreamTest, FailsAHandshakeWithSomethingElse) {
    begin();
    turn(loop_);
    EXPECT_EQ(ours_->handshake(), IoState::blocked);
    ends_->say("HTTP/1.1 400 Bad Request\r\n\r\n");
    turn(loop_);
    EXPECT_EQ(ours_->handshake(), IoState::failed);
    EXPECT_FALSE(ours_->failure().empty());
}

TEST_F(TlsStreamTest, FailsAHandshakeThatIsLeft) {
    begin();
    turn(loop_);
    EXPECT_EQ(ours_->handshake(), IoState::blocked);
    {
        const auto gone = std::move(ends_->peer);
    }
    turn(loop_);
    EXPECT_EQ(ours_->handshake(), IoState::failed);
    EXPECT_EQ(ours_->failure().empty(), false);
}

}  // namespace
}  // namespace gh::net
