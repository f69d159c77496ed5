#include "net/shown_certificate.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "net/listener.hpp"
#include "net/memory_handshake.hpp"
#include "net/tls_context.hpp"
#include "net/tls_stream.hpp"

namespace gh::net {
namespace {

class ShownCertificateTest : public ::testing::Test {
 protected:
    using Serve = std::function<void(Loop&, int)>;

    static Task<> shake(Loop& loop, int fd, SslHandle session) {
        Wakeup wakeup(loop);
        TlsStream stream(loop, fd, std::move(session));
        stream.notify(&wakeup);
        while (stream.handshake() == IoState::blocked) co_await wakeup.wait();
    }
    static Task<> ask(Loop& loop, ShowRequest request, Result<crypto::X509Handle>& shown) {
        shown = co_await shown_certificate(loop, std::move(request));
        loop.stop();
    }
    /// What is shown by a server that does `serve` with each connection.
    Result<crypto::X509Handle> shown_by(const Serve& serve, const std::string& protocol) {
        Loop loop;
        Result<crypto::X509Handle> shown = fail(ErrorKind::internal, "none");
        const auto fd = open_listening_socket(*Address::parse("127.0.0.1", 0));
        Listener listener(loop, *fd, [&](int accepted, const Address&) { serve(loop, accepted); });
        ShowRequest request{.address = listener.address(),
                            .server_name = "a.example",
                            .protocol = protocol,
                            .timeout = std::chrono::milliseconds(500)};
        loop.post([&] { spawn(ask(loop, std::move(request), shown)); });
        loop.run();
        listener.close();
        for (int i = 0; i < 3; ++i) {  // the other end comes to its own
            loop.stop();
            loop.run();
        }
        return shown;
    }
    Serve serving(const CertificateChain& chain) {
        context_ = TlsContext::make({.certificates = {chain}}, right_now()).value();
        return [this](Loop& loop, int fd) { spawn(shake(loop, fd, context_->new_session())); };
    }
    static std::string_view reason_of(const Result<crypto::X509Handle>& shown) {
        return shown ? "" : shown.error().reason;
    }

    const TestAuthority authority_;
    std::shared_ptr<const TlsContext> context_;
};

TEST_F(ShownCertificateTest, IsHandedOverWhoeverSignedIt) {
    const auto chain = authority_.issue({.names = {.dns = {"b.example"}}});
    const auto shown = shown_by(serving(chain), "http/1.1");
    ASSERT_TRUE(shown) << describe(shown.error());
    EXPECT_EQ(crypto::fingerprint_of(shown->get()), fingerprint_of(chain));
}

TEST_F(ShownCertificateTest, IsOfAServerThatTakesTheProtocol) {
    const auto chain = authority_.issue({.names = {.dns = {"a.example"}}});
    EXPECT_EQ(reason_of(shown_by(serving(chain), "acme-tls/1")), "fetch.tls");
}

TEST_F(ShownCertificateTest, TellsWhoSpeaksNoTls) {
    const auto slam = [](Loop&, int fd) { ::close(fd); };
    EXPECT_EQ(reason_of(shown_by(slam, "acme-tls/1")), "fetch.tls");
    std::vector<int> kept;
    const auto silent = [&kept](Loop&, int fd) { kept.push_back(fd); };
    EXPECT_EQ(reason_of(shown_by(silent, "acme-tls/1")), "fetch.timeout");
    for (const int fd : kept) ::close(fd);
}

TEST_F(ShownCertificateTest, TellsThatNobodyListens) {
    Loop loop;
    Result<crypto::X509Handle> shown = fail(ErrorKind::internal, "none");
    ShowRequest request{.address = *Address::parse("127.0.0.1", 1),
                        .server_name = "a.example",
                        .protocol = "acme-tls/1"};
    loop.post([&] { spawn(ask(loop, std::move(request), shown)); });
    loop.run();
    EXPECT_EQ(reason_of(shown), "fetch.connect");
}

}  // namespace
}  // namespace gh::net
