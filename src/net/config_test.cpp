#include "net/config.hpp"

#include <gtest/gtest.h>

#include "config/read_for_test.hpp"

namespace gh::net {
namespace {

using config::read_for_test;

TEST(BindAddress, IsANumericAddressAndAPort) {
    struct Case {
        std::string_view text;
        std::string host;  // empty: refused
        std::uint16_t port = 0;
    };
    const Case cases[] = {
        {"[::]:8443", "::", 8443},
        {"127.0.0.1:9901", "127.0.0.1", 9901},
        {"[::1]:0", "::1", 0},
        {"[::ffff:127.0.0.1]:65535", "::ffff:127.0.0.1", 65535},
        {"0.0.0.0:80", "0.0.0.0", 80},
        {":8443", ""},
        {"8443", ""},
        {"localhost:8443", ""},
        {"::1:8443", ""},
        {"[127.0.0.1]:8443", ""},
        {"127.0.0.1", ""},
        {"127.0.0.1:", ""},
        {"127.0.0.1:65536", ""},
        {"127.0.0.1:-1", ""},
        {"127.0.0.1:08", ""},
        {"127.1:80", ""},
        {"[::1]8443", ""},
        {"[::1:8443", ""},
        {"", ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto bind = parse_bind_address(c.text);
        ASSERT_EQ(bind.has_value(), !c.host.empty());
        if (!bind) continue;
        EXPECT_EQ(bind->host, c.host);
        EXPECT_EQ(bind->port, c.port);
        EXPECT_EQ(bind->text(), c.text);
    }
}

TEST(BindAddress, KnowsLoopback) {
    for (const auto* host : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
        EXPECT_TRUE((BindAddress{.host = host, .port = 1}.loopback())) << host;
    }
    for (const auto* host :
         {"::", "0.0.0.0", "128.0.0.1", "10.0.0.1", "::2", "::ffff:10.0.0.1", "7f00::1", ""}) {
        EXPECT_FALSE((BindAddress{.host = host, .port = 1}.loopback())) << host;
    }
}

std::array<std::uint8_t, 16> octets(std::string_view address) {
    return parse_address_range(address)->network;
}

TEST(AddressRange, HoldsTheAddressesBelowItsPrefix) {
    struct Case {
        std::string_view range, inside, outside;
    };
    constexpr Case cases[] = {
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
        {"127.0.0.1", "127.0.0.1", "127.0.0.2"},
        {"0.0.0.0/0", "255.1.2.3", "::1"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"::1/128", "::1", "::2"},
        {"::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.range);
        const auto range = parse_address_range(c.range);
        ASSERT_TRUE(range);
        EXPECT_TRUE(range->contains(octets(c.inside)));
        EXPECT_FALSE(range->contains(octets(c.outside)));
    }
    EXPECT_TRUE(parse_address_range("::/0")->contains(octets("10.0.0.1")));
}

TEST(AddressRange, RefusesWhatIsNone) {
    for (const auto* text :
         {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.1/8",
          "10.0.0/8", "::/129", "2001:db8::1/32", "localhost", "10.0.0.0/8/8", "[::1]/128"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_address_range(text));
    }
}

TEST(Hsts, TheHeaderIsExactToTheByte) {
    EXPECT_EQ(HstsConfig{}.header_value(), "max-age=31536000; includeSubDomains");
    EXPECT_EQ((HstsConfig{.preload = true}.header_value()),
              "max-age=31536000; includeSubDomains; preload");
    EXPECT_EQ((HstsConfig{.max_age = seconds(60), .include_subdomains = false, .preload = true}
                   .header_value()),
              "max-age=60; preload");
    EXPECT_EQ((HstsConfig{.enabled = false, .preload = true}.header_value()), "");
}

TEST(ListenerConfig, ReadsEveryWayToWriteACertificate) {
    const std::string head = "name: a\nbind: \"[::]:8443\"\nserve: [gateway]\n";
    const auto internal = read_for_test(listener_type(), head + "tls: {}\n");
    ASSERT_EQ(internal.problems, "");
    EXPECT_TRUE(internal.value.tls->certificates.empty());
    EXPECT_EQ(internal.value.tls->client_certificate, ClientCertificateMode::optional);

    const auto one = read_for_test(
        listener_type(), head + "tls: {certificate: {cert_file: a.pem, key_file: /b.pem}}\n");
    ASSERT_EQ(one.problems, "");
    EXPECT_EQ(one.value.tls->certificates.at(0).cert_file, "/etc/gatehouse/a.pem");
    EXPECT_EQ(one.value.tls->certificates.at(0).key_file, "/b.pem");

    const auto two = read_for_test(
        listener_type(), head +
                             "tls:\n  certificate:\n    - {cert_file: a, key_file: b}\n"
                             "    - {cert_file: c, key_file: d}\n  client_certificate: required\n"
                             "  client_ca_file: ca.pem\n  min_version: 1.3\n");
    ASSERT_EQ(two.problems, "");
    EXPECT_EQ(two.value.tls->certificates.size(), 2U);
    EXPECT_EQ(two.value.tls->client_ca_file, "/etc/gatehouse/ca.pem");
    EXPECT_EQ(two.value.tls->min_version, TlsVersion::tls_1_3);

    for (const auto* read : {&internal, &one, &two}) {
        const auto again = read_for_test(listener_type(), read->shown);
        ASSERT_EQ(again.problems, "") << read->shown;
        EXPECT_EQ(again.value, read->value);
    }
}

TEST(ListenerConfig, ApiIsEveryRoomOfThisBuild) {
    const auto read = read_for_test(listener_type(),
                                    "name: a\nbind: 127.0.0.1:1\nserve: [gateway, api, metrics]\n");
    ASSERT_EQ(read.problems, "");
    EXPECT_TRUE(read.value.serves(Service::gateway));
    EXPECT_TRUE(read.value.serves(Service::api));
    EXPECT_TRUE(read.value.serves(Service::metrics));
    EXPECT_FALSE(read.value.serves(Service::health));
    const auto open = read_for_test(listener_type(), "name: a\nbind: \"[::]:1\"\nserve: [api]\n");
    EXPECT_TRUE(open.problems.contains("would serve the API without encryption")) << open.problems;
}

TEST(ListenerConfig, RefusesWhatContradictsItself) {
    struct Case {
        std::string yaml, wanted;
    };
    const std::string open = "name: a\nbind: 0.0.0.0:1\n";
    const std::string local = "name: a\nbind: 127.0.0.1:1\n";
    const Case cases[] = {
        {"bind: 127.0.0.1:1\nserve: [health]",
         "f:1: name: is missing: What routes, redirects and the log call it."},
        {"name: a\nserve: [health]",
         "f:1: bind: is missing: Numeric address and port. \"[::]:8443\" takes IPv4 as well; "
         "port 0 lets the system pick one."},
        {"name: a\nbind: localhost:1\nserve: [health]",
         "f:2: bind: \"localhost:1\" is not a numeric address, allowed: an address and a port, "
         "such as 127.0.0.1:8443 or "
         "\"[::]:8443\""},
        {"name: a\nbind: 127.0.0.1:99999\nserve: [health]",
         "f:2: bind: \"127.0.0.1:99999\" has no port from 0 to 65535"},
        {local, "f:1: answers nothing, wanted: serve or redirect_to"},
        {local + "serve: []", "f:1: answers nothing, wanted: serve or redirect_to"},
        {local + "serve: [health]\nredirect_to: b",
         "f:1: has both serve and redirect_to, allowed: one of them"},
        {local + "tls: {}\nredirect_to: b",
         "f:1: has both tls and redirect_to: redirects are for plain listeners"},
        {local + "serve: [health, health]", "f:1: serves the same thing twice"},
        {local + "serve: [console]",
         "f:3: serve[0]: \"console\" is not part of this build, allowed: gateway, health, "
         "metrics, api"},
        {local + "serve: [gatewy]",
         "f:3: serve[0]: \"gatewy\" is unknown, allowed: gateway, health, metrics, api"},
        {local + "serve: [gateway]\nhsts: {max_age: 1d}",
         "f:1: has hsts without tls: browsers ignore it there"},
        {open + "serve: [gateway]",
         "f:1: would serve the gateway without encryption to other machines, wanted: tls, "
         "redirect_to or a loopback address"},
        {open + "serve: [gateway]\ntls:\n  certificate: self-signed",
         "f:5: tls.certificate: \"self-signed\" is unknown, allowed: internal, acme, "
         "{cert_file: , key_file: } or a list of those"},
        {open + "serve: [gateway]\ntls:\n  certificate: {cert_file: a}",
         "f:5: tls.certificate.key_file: is missing: PEM: its private key."},
        {open + "serve: [gateway]\ntls: {client_certificate: none, client_ca_file: x}",
         "f:4: tls: client_ca_file without effect: client_certificate is none, allowed: optional, "
         "required"},
        {open + "serve: [gateway]\ntls: {min_version: \"1.1\"}",
         "f:4: tls.min_version: \"1.1\" is unknown, did you mean 1.2? allowed: 1.2, 1.3"},
        {open + "serve: [gateway]\ntls:", "f:4: tls: is nothing, wanted: a map"},
        {open + "serve: [gateway]\ntls: {}\nhsts: {max_age: 500ms}",
         "f:5: hsts.max_age: \"500ms\" is not a whole number of seconds"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.yaml);
        EXPECT_EQ(read_for_test(listener_type(), c.yaml).problems, c.wanted);
    }
    EXPECT_EQ(read_for_test(listener_type(), open + "serve: [health, metrics]").problems, "");
    EXPECT_EQ(read_for_test(listener_type(), open + "redirect_to: b").problems, "");
}

TEST(LimitsConfig, KnowsItsBounds) {
    const auto defaults = read_for_test(limits_type(), "{}");
    ASSERT_EQ(defaults.problems, "");
    EXPECT_EQ(defaults.value, LimitsConfig{});
    struct Case {
        std::string yaml, wanted;
    };
    const Case cases[] = {
        {"connections_max: 0",
         "f:1: connections_max: \"0\" is out of range, allowed: 1 to 10000000"},
        {"header_bytes_max: 1023",
         "f:1: header_bytes_max: \"1023\" is out of range, allowed: 1KiB to 1MiB"},
        {"keep_alive_timeout: 75",
         "f:1: keep_alive_timeout: \"75\" is not a duration, allowed: a whole number with ms, s, "
         "m, h or d, such as 500ms or 30d"},
        {"header_bytes_max: 4KiB",
         "f:1: uri_bytes_max is larger than header_bytes_max, which it is part of"},
        {"keepalive_timeout: 75s",
         "f:1: keepalive_timeout: unknown key, did you mean keep_alive_timeout? allowed: "
         "connections_max, "
         "connections_per_address_max, streams_per_connection_max, requests_per_connection_max, "
         "header_bytes_max, "
         "header_count_max, uri_bytes_max, handshake_timeout, header_timeout, body_idle_timeout, "
         "send_timeout, "
         "keep_alive_timeout, drain_timeout"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.yaml);
        EXPECT_EQ(read_for_test(limits_type(), c.yaml).problems, c.wanted);
    }
}

}  // namespace
}  // namespace gh::net
