#include "net/ticket_keys.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "net/memory_handshake.hpp"

namespace gh::net {
namespace {

using namespace std::chrono_literals;

class TicketKeysTest : public ::testing::Test {
 protected:
    [[nodiscard]] std::shared_ptr<const TlsContext> context(
        std::shared_ptr<TicketKeys> keys) const {
        const TlsServerSettings settings{
            .certificates = {chain_}, .ticket_keys = std::move(keys), .listener = "public"};
        return TlsContext::make(settings, right_now()).value();
    }
    /// A client gets a ticket from one and shows it to the other.
    [[nodiscard]] static bool resumes(
        const TlsContext& first, const TlsContext& second, int version,
        const std::function<void()>& meanwhile = [] {}) {
        AnyClient client{.max_version = version};
        const auto session =
            resumable_session(shake_hands(first.new_session(), client.new_session()));
        if (!session) return false;
        meanwhile();
        client.session = session.get();
        const auto again = shake_hands(second.new_session(), client.new_session());
        EXPECT_TRUE(again.done()) << "a useless ticket costs a full handshake and no more: "
                                  << again.server_failure;
        return again.resumed();
    }

    const TestAuthority authority_;
    const CertificateChain chain_ = authority_.server({"a.example"});
    const SystemTime start_ = right_now();
};

TEST_F(TicketKeysTest, LetASessionResumeOnEveryContextThatSharesThem) {
    const auto shared = TicketKeys::make(start_).value();
    const auto one = context(shared);
    const auto two = context(shared);
    const auto stranger = context(TicketKeys::make(start_).value());
    const auto without = context(nullptr);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        EXPECT_TRUE(resumes(*one, *one, version));
        EXPECT_TRUE(resumes(*one, *two, version));
        EXPECT_FALSE(resumes(*one, *stranger, version));
        EXPECT_FALSE(resumes(*one, *without, version));
        EXPECT_FALSE(resumes(*without, *one, version)) << "no keys, no ticket";
    }
}

TEST_F(TicketKeysTest, OpenTicketsOfTheKeyBeforeAndOfNoneOlder) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        const auto keys = TicketKeys::make(start_).value();
        const auto server = context(keys);
        auto now = start_;
        const auto rotate = [&](SystemTime to) {
            now = to;
            return keys->rotate_if_due(now).value();
        };
        const auto turn = TicketKeys::rotation;
        EXPECT_TRUE(
            resumes(*server, *server, version, [&] { EXPECT_FALSE(rotate(now + turn - 1s)); }));
        EXPECT_TRUE(resumes(*server, *server, version, [&] { EXPECT_TRUE(rotate(now + 1s)); }));
        EXPECT_FALSE(resumes(*server, *server, version, [&] {
            EXPECT_TRUE(rotate(now + turn));
            EXPECT_TRUE(rotate(now + turn));
        }));
        EXPECT_FALSE(resumes(*server, *server, version, [&] {
            EXPECT_TRUE(rotate(now + 3 * turn));
        })) << "after a long sleep the last key is too old as well";
        EXPECT_TRUE(resumes(*server, *server, version, [&] { EXPECT_TRUE(rotate(now - 1h)); }))
            << "a clock set back makes a new key, and keeps the last";
    }
}

TEST_F(TicketKeysTest, ReplaceATicketThatWasUsedInTls13OrSealedWithTheKeyBefore) {
    const auto keys = TicketKeys::make(start_).value();
    const auto server = context(keys);
    const auto new_ticket_after = [&](int version, bool rotate) {
        AnyClient client{.max_version = version};
        const auto session =
            resumable_session(shake_hands(server->new_session(), client.new_session()));
        if (rotate) {
            EXPECT_TRUE(keys->rotate_if_due(start_ + (version == TLS1_2_VERSION ? 1 : 2) *
                                                         TicketKeys::rotation)
                            .value());
        }
        client.session = session.get();
        const auto again = shake_hands(server->new_session(), client.new_session());
        EXPECT_TRUE(again.resumed());
        const auto next = resumable_session(again);
        const unsigned char* old_ticket = nullptr;
        const unsigned char* new_ticket = nullptr;
        std::size_t old_size = 0;
        std::size_t new_size = 0;
        SSL_SESSION_get0_ticket(session.get(), &old_ticket, &old_size);
        SSL_SESSION_get0_ticket(next.get(), &new_ticket, &new_size);
        return !std::equal(old_ticket, old_ticket + old_size, new_ticket, new_ticket + new_size);
    };
    EXPECT_FALSE(new_ticket_after(TLS1_2_VERSION, false));
    EXPECT_TRUE(new_ticket_after(TLS1_2_VERSION, true));
    EXPECT_TRUE(new_ticket_after(TLS1_3_VERSION, false));
    EXPECT_TRUE(new_ticket_after(TLS1_3_VERSION, true));
}

TEST_F(TicketKeysTest, RotateWhileOtherThreadsShakeHands) {
    const auto keys = TicketKeys::make(start_).value();
    const auto server = context(keys);
    std::jthread worker([&] {
        for (int i = 0; i < 30; ++i) (void)resumes(*server, *server, TLS1_3_VERSION);
    });
    for (int i = 1; i <= 300; ++i)
        EXPECT_TRUE(keys->rotate_if_due(start_ + i * TicketKeys::rotation).value());
}

}  // namespace
}  // namespace gh::net
