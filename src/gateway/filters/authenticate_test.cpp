#include "gateway/filters/authenticate.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

class AuthenticateTest : public testing::Test {
 protected:
    Verdict pass() { return filter_.on_request(house.begin()); }

    FakeHouse house;
    Authenticate filter_{house.services, house.authenticator};
};

TEST_F(AuthenticateTest, NamesWhoAsks) {
    house.protect(access::Access::authenticated());
    house.client.with("Authorization", "Bearer good");
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.exchange.principal->subject, "ada");
}

TEST_F(AuthenticateTest, TellsTheClientNoMoreThanOneOfThreeTexts) {
    house.protect(access::Access::authenticated());
    struct Case {
        std::string_view name, value, text, reason;
    };
    constexpr Case cases[] = {
        {"X-Other", "x", "Missing or invalid authentication credentials", "auth.missing"},
        {"Authorization", "Bearer stale", "Invalid authentication token", "jwt.expired"},
        {"Authorization", "", "Invalid authentication token", "jwt.expired"},
        {"X-API-Key", "bad", "Invalid authentication token", "jwt.expired"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        house.again();
        house.client.with(c.name, c.value);
        EXPECT_EQ(pass(), Verdict::answered);
        EXPECT_EQ(house.exchange.response.status, 401);
        EXPECT_EQ(house.answered("WWW-Authenticate"), "Bearer");
        EXPECT_TRUE(house.exchange.body.contains(c.text)) << house.exchange.body;
        EXPECT_FALSE(house.exchange.body.contains(c.reason)) << house.exchange.body;
        EXPECT_EQ(house.exchange.auth_reason, c.reason);
        EXPECT_EQ(house.exchange.principal->type, access::PrincipalType::anonymous);
    }
    EXPECT_EQ(house.services.count.auth_refused.value(), std::size(cases));
}

TEST_F(AuthenticateTest, RefusesTwoOfAKindUnread) {
    struct Case {
        std::string_view first, second;
    };
    constexpr Case cases[] = {
        {"Authorization", "authorization"}, {"X-API-Key", "x-api-key"}, {"X-API-Key", "X_API_Key"}};
    for (const bool open : {true, false}) {
        for (const auto& c : cases) {
            SCOPED_TRACE(c.second);
            house.again();
            house.route().anyone = open;
            house.client.with(c.first, "good").with(c.second, "Bearer good");
            EXPECT_EQ(pass(), Verdict::answered);
            EXPECT_EQ(house.exchange.response.status, 401);
            EXPECT_EQ(house.exchange.auth_reason, "auth.repeated");
        }
    }
    EXPECT_EQ(house.authenticator.asked, 0);
}

TEST_F(AuthenticateTest, MindsNoBadCredentialWhereAnyoneMayPass) {
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.authenticator.asked, 0);

    house.again();
    house.client.with("Authorization", "Bearer stale");
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.exchange.principal->type, access::PrincipalType::anonymous);

    house.again();
    house.client.with("Authorization", "Bearer good");
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.exchange.principal->subject, "ada");
}

TEST_F(AuthenticateTest, AsksNobodyWhereAuthenticationIsOff) {
    house.protect(access::Access::authenticated());
    house.snapshot->open = true;
    house.client.with("Authorization", "Bearer good");
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.authenticator.asked, 0);
}

/// Waits at the door, while the test does what it does, until it is settled.
class WaitingTest : public AuthenticateTest {
 protected:
    WaitingTest() {
        house.protect(access::Access::authenticated());
        house.client.with("X-API-Key", "gh_unknown_yet");
        house.authenticator.standing = access::Verdict::Standing::pending;
    }
    /// @param then  happens once the request waits
    Verdict wait(Filter& filter, std::function<void()> then = [] {}) {
        auto verdict = Verdict::wait;
        const auto waiting = [](Filter& at, FakeHouse& in, Verdict& into) -> Task<> {
            into = co_await at.wait(in.exchange);
            in.worker.loop.stop();
        };
        house.worker.loop.post([&] {
            spawn(waiting(filter, house, verdict));
            then();
        });
        house.worker.loop.run();
        return verdict;
    }
};

TEST_F(WaitingTest, LetsInWhoIsRecognisedAfterALookUp) {
    EXPECT_EQ(pass(), Verdict::wait);
    house.authenticator.principal->revoked_by = access::RevokedBy::key_list;
    const auto then = [&] {
        EXPECT_EQ(house.worker.waiting, 1U);
        house.authenticator.standing = access::Verdict::Standing::judged;
        house.authenticator.everybody_is_known = true;
        house.authenticator.line.wake_all();
    };
    EXPECT_EQ(wait(filter_, then), Verdict::walk_on);
    EXPECT_EQ(house.exchange.principal->subject, "ada");
    EXPECT_EQ(house.worker.waiting, 0U);
    EXPECT_TRUE(house.exchange.held);  // may be revoked while it is open
    EXPECT_EQ(house.worker.first_held, &house.exchange);
}

TEST_F(WaitingTest, RefusesWhoIsNot) {
    EXPECT_EQ(pass(), Verdict::wait);
    const auto then = [&] {
        house.authenticator.standing = access::Verdict::Standing::judged;
        house.authenticator.line.wake_all();
    };
    EXPECT_EQ(wait(filter_, then), Verdict::answered);
    EXPECT_EQ(house.exchange.response.status, 401);
}

TEST_F(WaitingTest, AnswersLaterWhereNobodyCanTell) {
    EXPECT_EQ(pass(), Verdict::wait);
    const auto then = [&] {
        house.authenticator.standing = access::Verdict::Standing::unavailable;
        house.authenticator.line.wake_all();
    };
    EXPECT_EQ(wait(filter_, then), Verdict::answered);
    EXPECT_EQ(house.exchange.response.status, 503);
    EXPECT_EQ(house.answered("Retry-After"), "1");
    EXPECT_EQ(house.answered("WWW-Authenticate"), "");
    EXPECT_EQ(house.services.count.auth_refused.value(), 0U);

    house.again();
    house.client.with("X-API-Key", "gh_unknown_yet");
    house.route().anyone = true;  // who it is does not matter there
    EXPECT_EQ(pass(), Verdict::walk_on);
    EXPECT_EQ(house.exchange.principal->type, access::PrincipalType::anonymous);
}

TEST_F(WaitingTest, GivesUpInTime) {
    Authenticate hasty(house.services, house.authenticator, milliseconds(1));
    EXPECT_EQ(pass(), Verdict::wait);
    EXPECT_EQ(wait(hasty), Verdict::answered);
    EXPECT_EQ(house.exchange.response.status, 503);
    EXPECT_EQ(house.exchange.auth_reason, "auth.timeout");
    EXPECT_TRUE(house.authenticator.line.empty());
}

TEST_F(WaitingTest, EndsWithTheClient) {
    EXPECT_EQ(pass(), Verdict::wait);
    const auto then = [&] {
        house.client.left = true;
        house.client.wakeup().wake();
    };
    EXPECT_EQ(wait(filter_, then), Verdict::answered);
    EXPECT_EQ(house.exchange.response.status, 0);  // nobody is there to be answered
    EXPECT_EQ(house.exchange.outcome, outcome::client_gone);
    EXPECT_TRUE(house.authenticator.line.empty());
}

TEST_F(WaitingTest, LetsOnlySoManyWait) {
    house.worker.waiting = Authenticate::waiting_max - 1;
    EXPECT_EQ(pass(), Verdict::wait);
    house.again();
    house.client.with("X-API-Key", "gh_unknown_yet");
    house.worker.waiting = Authenticate::waiting_max;
    EXPECT_EQ(pass(), Verdict::answered);
    EXPECT_EQ(house.exchange.response.status, 503);
    EXPECT_EQ(house.exchange.auth_reason, "auth.busy");
}

TEST_F(AuthenticateTest, HandsOverWhatAProofMustBeMadeFor) {
    house.protect(access::Access::authenticated());
    house.client.ask("DELETE", "/a/b").with("Authorization", "DPoP t").with("DPoP", "p");
    house.authenticator.challenge = access::Challenge::dpop_proof;
    EXPECT_EQ(pass(), Verdict::answered);
    const auto& seen = house.authenticator.seen;
    EXPECT_EQ(seen.dpop, "p");
    EXPECT_EQ(seen.dpop_fields, 1);
    EXPECT_EQ(seen.method, "DELETE");
    EXPECT_EQ(seen.scheme, "http");
    EXPECT_EQ(seen.authority, "h.example");
    EXPECT_EQ(seen.path, "/a/b");
    EXPECT_EQ(house.answered("WWW-Authenticate"), "DPoP error=\"invalid_dpop_proof\", algs=\"" +
                                                      std::string(access::dpop_algorithms) + '"');

    house.again();
    house.client.facts.encrypted = true;
    house.client.with("Authorization", "DPoP t").with("DPoP", "p").with("dpop", "q");
    house.authenticator.challenge = access::Challenge::dpop_token;
    EXPECT_EQ(pass(), Verdict::answered);
    EXPECT_EQ(house.authenticator.seen.dpop_fields, 2);
    EXPECT_EQ(house.authenticator.seen.scheme, "https");
    EXPECT_TRUE(house.answered("WWW-Authenticate").starts_with("DPoP error=\"invalid_token\", "));
}

TEST_F(AuthenticateTest, HandsOverTheCertificateOfTheConnection) {
    house.protect(access::Access::client_certificate());
    auto shown = std::make_shared<const access::ClientCertificate>();
    house.client.facts.certificate = shown;
    (void)pass();
    EXPECT_EQ(house.authenticator.certificate, shown.get());
}

class OneSerial final : public access::CertificateRevocations {
 public:
    [[nodiscard]] bool covers_serial(std::string_view serial) const override {
        return serial == "0badc0ffee";
    }
    [[nodiscard]] bool covers_authority(std::string_view key_id) const override {
        return key_id == "5707e1";
    }
};

TEST_F(AuthenticateTest, ACertificateThatIsGoodNoMoreIsNone) {
    const OneSerial revoked;
    house.services.revoked_certificates = &revoked;
    house.protect(access::Access::client_certificate());
    const auto now = house.worker.loop.system_now();
    struct Case {
        std::string serial;
        SystemTime not_after;
        std::string_view reason;
        std::vector<std::string> authorities = {"600d"};
    };
    const auto later = now + seconds(60);
    const Case cases[] = {
        {"0badc0ffef", later, "auth.missing"},
        {"0badc0ffee", later, "auth.certificate_over"},
        {"0badc0ffef", now, "auth.certificate_over"},
        {"0badc0ffef", later, "auth.certificate_over", {"600d", "5707e1"}},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.serial);
        house.again();
        house.client.facts.certificate =
            std::make_shared<const access::ClientCertificate>(access::ClientCertificate{
                .serial = c.serial, .not_after = c.not_after, .authorities = c.authorities});
        EXPECT_EQ(pass(), Verdict::answered);
        EXPECT_EQ(house.authenticator.certificate != nullptr, c.reason == "auth.missing");
        EXPECT_EQ(house.exchange.auth_reason, c.reason);
        EXPECT_TRUE(house.exchange.body.contains("Missing or invalid authentication credentials"));
    }
    house.route().anyone = true;
    house.again();
    EXPECT_EQ(pass(), Verdict::walk_on) << "what anybody may see";
}

}  // namespace
}  // namespace gh::gateway
