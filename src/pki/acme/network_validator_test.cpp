#include "pki/acme/network_validator.hpp"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <chrono>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/digest.hpp"
#include "crypto/private_key.hpp"
#include "net/run_task.hpp"
#include "pki/acme/peers_testing.hpp"
#include "pki/acme/reachable.hpp"
#include "pki/acme/testing.hpp"
#include "pki/openssl.hpp"

namespace gh::pki::acme {
namespace {

class NetworkValidatorTest : public testing::Test {
 protected:
    AcmeConfig config() const {
        return {.domains = {"test"},
                .challenge_networks = networks,
                .resolver = "127.0.0.1:" + std::to_string(names.port),
                .http_port = web.port,
                .tls_port = tls_port ? tls_port : web.port};
    }
    std::string check(ChallengeType type, std::string name = "a.test") {
        auto validator = NetworkValidator::make(config()).value();
        Proof proof{type, std::move(name), "tok", "tok.thumb"};
        const auto checked = net::run_to_end(validator->check(std::move(proof)));
        return checked ? "" : std::string(checked.error().reason) + " " + checked.error().detail;
    }
    std::string check_http() { return check(ChallengeType::http_01); }

    static constexpr auto path = "/.well-known/acme-challenge/tok";
    std::vector<net::AddressRange> networks{net::parse_address_range("127.0.0.0/8").value()};
    Names names;
    Web web;
    std::uint16_t tls_port = 0;  // 0: that of `web`, which speaks no TLS
};

/// For a.test, self-signed, with what a proof of RFC 8737 has in it.
crypto::X509Handle certificate_for(EVP_PKEY* key, long ends_in_seconds) {
    crypto::X509Handle certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ends_in_seconds);
    X509_set_pubkey(certificate.get(), key);
    const auto digest = codec::encode_hex(crypto::text_of(crypto::sha256("tok.thumb")));
    const auto proof = "critical,DER:0420" + digest;
    for (const auto& [name, value] : {std::pair{"subjectAltName", std::string("DNS:a.test")},
                                      std::pair{"1.3.6.1.5.5.7.1.31", proof}}) {
        const ExtensionHandle extension(X509V3_EXT_conf(nullptr, nullptr, name, value.c_str()));
        X509_add_ext(certificate.get(), extension.get(), -1);
    }
    X509_sign(certificate.get(), key, EVP_sha256());
    return certificate;
}

TEST_F(NetworkValidatorTest, FindsTheKeyAuthorization) {
    web.pages->answers[path] = ok("tok.thumb\n");
    EXPECT_EQ(check_http(), "");
    for (const auto* body : {"tok.thumb2", "", "tok", "xtok.thumb"}) {
        web.pages->answers[path] = ok(body);
        EXPECT_TRUE(check_http().starts_with("acme.response ")) << body;
    }
    web.pages->answers.clear();
    EXPECT_EQ(check_http(), "acme.response a.test answered 404");
}

// The name leads to loopback, as one of an attacker's may.
TEST_F(NetworkValidatorTest, AsksNobodyInside) {
    networks.clear();
    web.pages->answers[path] = ok("tok.thumb");
    EXPECT_TRUE(check_http().starts_with("acme.connection "));
    EXPECT_TRUE(check(ChallengeType::tls_alpn_01).starts_with("acme.connection "));
    networks = {net::parse_address_range("10.0.0.0/8").value()};
    EXPECT_TRUE(check_http().starts_with("acme.connection "));
    EXPECT_TRUE(web.pages->asked.empty());
}

TEST_F(NetworkValidatorTest, FollowsRedirectsWithinBounds) {
    const auto here = "http://b.test:" + std::to_string(web.port);
    const std::string second = std::string("/x") + path, third = std::string("/y") + path;
    web.pages->answers[path] = redirect(here + second);
    web.pages->answers[second] = redirect(here.substr(5) + third);
    web.pages->answers[third] = ok("tok.thumb");
    EXPECT_EQ(check_http(), "");
    EXPECT_EQ(web.pages->asked.size(), 3U);
    web.pages->asked.clear();
    web.pages->answers[third] = redirect(third);
    EXPECT_EQ(check_http(), "acme.response a redirect to b.test led to no key authorization");
    EXPECT_EQ(web.pages->asked.size(), NetworkValidator::redirects_max + 1);
    for (const auto* bad :
         {"http://127.0.0.1/", "http://[::1]/", "ftp://b.test/", "gopher", "", "http://b.test:22/",
          "http://user@b.test/", "file:///etc/passwd", "//", "https:b.test"}) {
        web.pages->answers[path] = redirect(bad);
        web.pages->asked.clear();
        EXPECT_TRUE(check_http().starts_with("acme.response ")) << bad;
        EXPECT_EQ(web.pages->asked.size(), 1U) << bad;
    }
}

// A stranger's redirect is no way to have us ask servers inside for what he likes, nor to hear of them.
TEST_F(NetworkValidatorTest, FollowsRedirectsInsideToTheProofAlone) {
    const auto port = ":" + std::to_string(web.port);
    names.zone->missing = "gone.test";
    std::vector<std::string> said;
    for (const auto* target : {"/admin/delete?all=1", "/x?/.well-known/acme-challenge/tok",
                               "/.well-known/acme-challenge/other"}) {
        web.pages->answers[path] = redirect("http://b.test" + port + target);
        web.pages->answers[target] = ok("tok.thumb");
        web.pages->asked.clear();
        said.push_back(check_http());
        EXPECT_EQ(web.pages->asked.size(), 1U) << target;
    }
    // Whatever is there, or not.
    const std::string inside = std::string("/x") + path;
    for (const auto& answer : {ok("secret"), std::string("HTTP/1.1 500 No\r\n\r\n"),
                               std::string("SSH-2.0\r\n\r\n"), redirect("gopher://b.test/")}) {
        web.pages->answers[path] = redirect("http://b.test" + port + inside);
        web.pages->answers[inside] = answer;
        said.push_back(check_http());
    }
    for (const auto& each : said)
        EXPECT_EQ(each, "acme.response a redirect to b.test led to no key authorization");
    web.pages->answers[path] = redirect("http://gone.test" + port + inside);
    EXPECT_EQ(check_http(), "acme.response a redirect to gone.test led to no key authorization");
}

// What proves is the file; its server's certificate is often the very one that is to be renewed.
TEST_F(NetworkValidatorTest, FollowsRedirectsToHttpsWhateverItsCertificateSays) {
    const Signer key;
    const auto own = key_of(key.key());
    for (const long ends : {3600L, -3600L}) {
        SecureWeb secure(certificate_for(own.get(), ends).get(), own.get(), "http/1.1");
        tls_port = secure.port;
        secure.pages->answers[path] = ok("tok.thumb");
        web.pages->answers[path] = redirect("https://b.test:" + std::to_string(tls_port) + path);
        EXPECT_EQ(check_http(), "") << ends;
    }
}

TEST_F(NetworkValidatorTest, TakesAProofInAHandshake) {
    const Signer key;
    const auto own = key_of(key.key());
    SecureWeb secure(certificate_for(own.get(), 3600).get(), own.get(), "acme-tls/1");
    tls_port = secure.port;
    EXPECT_EQ(check(ChallengeType::tls_alpn_01), "");
    EXPECT_EQ(check(ChallengeType::tls_alpn_01, "b.test"),
              "acme.response the certificate is not for this name alone");
}

TEST_F(NetworkValidatorTest, ReadsNoMoreOfARedirectThanWhereItLeads) {
    const std::string next = std::string("/x") + path;
    web.pages->answers[path] = "HTTP/1.1 301 Moved\r\nContent-Length: 100000\r\nLocation: " + next +
                               "\r\n\r\n" + std::string(100'000, 'x');
    web.pages->answers[next] = ok("tok.thumb");
    EXPECT_EQ(check_http(), "");
}

TEST_F(NetworkValidatorTest, TriesEachAddressOfAName) {
    web.pages->answers[path] = ok("tok.thumb");
    // Nobody listens at the first, and the third is of another family.
    names.zone->addresses["a.test"] = {std::string("\x7f\0\0\2", 4), std::string("\x7f\0\0\1", 4),
                                       std::string(15, '\0') + '\1'};
    EXPECT_EQ(check_http(), "");
    names.zone->addresses["a.test"] = {std::string(15, '\0') + '\1'};
    EXPECT_TRUE(check_http().starts_with("acme.connection "));  // ::1 is not in the networks
    names.zone->addresses.clear();
    names.zone->refusing_aaaa = "a.test";  // some resolvers do
    EXPECT_EQ(check_http(), "");
}

TEST_F(NetworkValidatorTest, TellsThatANameIsNot) {
    names.zone->missing = "a.test";
    EXPECT_EQ(check_http(), "acme.dns a.test: does not exist");
    names.zone->addresses["b.test"] = {};
    EXPECT_EQ(check(ChallengeType::http_01, "b.test"), "acme.dns b.test: has no address");
}

class SlowNames : public NetworkValidatorTest {
 protected:
    static Task<> ask(NetworkValidator& validator, std::size_t& open) {
        Proof proof{ChallengeType::dns_01, "slow.test", "tok", "tok.thumb"};
        const auto checked = co_await validator.check(std::move(proof));
        EXPECT_FALSE(checked);
        --open;
    }
    /// How long one took that was asked for behind many slow ones.
    static Task<Result<std::chrono::nanoseconds>> last_of_many(NetworkValidator& validator) {
        std::size_t open = 32;
        for (std::size_t i = open; i > 0; --i) spawn(ask(validator, open));
        const auto begun = std::chrono::steady_clock::now();
        Proof proof{ChallengeType::http_01, "a.test", "tok", "tok.thumb"};
        GH_CO_TRY_VOID(co_await validator.check(std::move(proof)));
        const auto took = std::chrono::steady_clock::now() - begun;
        while (open > 0) co_await net::Sleep(*net::Loop::current(), milliseconds(10));
        co_return took;
    }
};

TEST_F(SlowNames, KeepNobodyElseWaiting) {
    names.zone->silent = "_acme-challenge.slow.test";
    web.pages->answers[path] = ok("tok.thumb");
    const auto validator = NetworkValidator::make(config()).value();
    const auto begun = std::chrono::steady_clock::now();
    const auto took = net::run_to_end(last_of_many(*validator));
    ASSERT_TRUE(took) << describe(took.error());
    EXPECT_LT(*took, seconds(1));
    // Two rounds of two seconds, and none waited for another.
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(8));
}

TEST_F(NetworkValidatorTest, TakesNoEndlessAnswer) {
    web.pages->answers[path] = ok(std::string(100'000, 'x'));
    EXPECT_TRUE(check_http().contains("fetch.too_large"));
    web.pages->answers[path] = "SSH-2.0-OpenSSH_9\r\n\r\n";
    EXPECT_TRUE(check_http().starts_with("acme.response "));
}

TEST_F(NetworkValidatorTest, FindsTheDigestAmongTheRecords) {
    const auto digest = crypto::sha256("tok.thumb");
    const auto wanted = codec::encode_base64url(crypto::text_of(digest));
    EXPECT_TRUE(check(ChallengeType::dns_01).contains("has no TXT record"));
    names.zone->texts = {"v=spf1", wanted + "x"};
    EXPECT_TRUE(check(ChallengeType::dns_01).starts_with("acme.response "));
    names.zone->texts.push_back(wanted);
    EXPECT_EQ(check(ChallengeType::dns_01), "");
    names.zone->long_answers = true;
    EXPECT_EQ(check(ChallengeType::dns_01), "");
}

TEST_F(NetworkValidatorTest, WantsAHandshakeOfTheProtocol) {
    EXPECT_TRUE(check(ChallengeType::tls_alpn_01).starts_with("acme.tls "));
}

TEST(AcmeReachable, IsWhatIsPublic) {
    const auto may = [](std::string_view ip) {
        return may_connect(net::Address::parse(ip, 80).value(), {});
    };
    for (const auto* ip : {"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1",
                           "2a00:1450::1", "::ffff:8.8.8.8"})
        EXPECT_TRUE(may(ip)) << ip;
    for (const auto* ip : {"0.0.0.0",
                           "10.1.2.3",
                           "100.64.0.1",
                           "127.0.0.1",
                           "127.255.0.1",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "198.18.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "::127.0.0.1",
                           "fe80::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "2001::1",
                           "64:ff9b::7f00:1"})
        EXPECT_FALSE(may(ip)) << ip;
    const std::vector allowed{net::parse_address_range("10.0.0.0/8").value(),
                              net::parse_address_range("fd00::/8").value()};
    const std::vector all{net::parse_address_range("0.0.0.0/0").value(),
                          net::parse_address_range("::/0").value()};
    for (const auto* ip : {"127.0.0.1", "::1", "169.254.169.254", "fe80::1", "168.63.129.16"}) {
        const auto address = net::Address::parse(ip, 80).value();
        EXPECT_FALSE(may_connect(address, {})) << ip;
        EXPECT_FALSE(may_connect(address, all)) << ip;
        const std::vector named{net::parse_address_range(ip).value()};
        EXPECT_TRUE(may_connect(address, named)) << ip;
    }
    EXPECT_TRUE(may_connect(net::Address::parse("10.1.2.3", 80).value(), all));
    EXPECT_TRUE(may_connect(net::Address::parse("10.1.2.3", 80).value(), allowed));
    EXPECT_TRUE(may_connect(net::Address::parse("fd12::1", 80).value(), allowed));
    EXPECT_FALSE(may_connect(net::Address::parse("192.168.1.1", 80).value(), allowed));
}

}  // namespace
}  // namespace gh::pki::acme
