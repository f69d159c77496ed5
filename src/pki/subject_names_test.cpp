#include "pki/subject_names.hpp"

#include <gtest/gtest.h>

namespace gh::pki {
namespace {

using crypto::CertificateNames;

std::vector<std::string> many_names(std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back("n" + std::to_string(i) + ".example");
    return names;
}

TEST(SubjectNames, AreWhatTheProfileWants) {
    struct Case {
        Profile profile;
        std::string_view common_name;
        CertificateNames names;
        std::string_view reason;
    };
    const std::string agent = "spiffe://example.org/agent/7";
    const Case cases[] = {
        {Profile::server, "", {.dns = {"a.example"}}, ""},
        {Profile::server, "", {.addresses = {"::1"}}, ""},
        {Profile::server, "", {.dns = {"*.example.com"}}, ""},
        {Profile::server, "a.example", {.dns = {"b.example", "a.example"}}, ""},
        {Profile::server, "::1", {.addresses = {"::1"}}, ""},
        {Profile::client, "https://example.com/a", {.uris = {"https://example.com/a"}}, ""},
        // PostgreSQL lets in whom the common name names.
        {Profile::client, "admin", {.dns = {"a.example"}}, "ca.name_invalid"},
        {Profile::client, "A.example", {.dns = {"a.example"}}, "ca.name_invalid"},
        {Profile::agent, "agent", {.uris = {agent}}, "ca.name_invalid"},
        {Profile::infrastructure, "postgres", {.dns = {"db.example"}}, "ca.name_invalid"},
        {Profile::client, "", {.dns = {"a.example"}}, ""},
        {Profile::client, "", {.uris = {"https://example.com/a"}}, ""},
        {Profile::agent, "", {.uris = {agent}}, ""},
        {Profile::agent, agent, {.uris = {agent}}, ""},
        {Profile::agent, "", {.dns = {"a.example"}, .uris = {agent}}, "ca.name_missing"},
        {Profile::agent, "", {.addresses = {"::1"}, .uris = {agent}}, "ca.name_missing"},
        {Profile::client, "", {.uris = {agent}}, "ca.name_invalid"},
        {Profile::infrastructure, "", {.dns = {"a.example"}, .uris = {agent}}, "ca.name_invalid"},
        {Profile::agent, "", {.uris = {"spiffe://example.org"}}, "ca.name_invalid"},
        {Profile::server, "", {.dns = {"*.com"}}, "ca.name_invalid"},
        {Profile::server, "", {.dns = many_names(subject_names_max)}, ""},
        {Profile::server, "", {.dns = many_names(subject_names_max + 1)}, "ca.names_too_many"},
        {Profile::server, "", {}, "ca.name_missing"},
        {Profile::server, "only.for.people", {}, "ca.name_missing"},
        {Profile::server, "", {.uris = {"https://a/b"}}, "ca.name_missing"},
        {Profile::infrastructure, "postgres", {}, "ca.name_missing"},
        {Profile::client, "", {}, "ca.name_missing"},
        {Profile::client, "agent 7", {}, "ca.name_missing"},
        {Profile::agent, "", {.dns = {"a.example"}}, "ca.name_missing"},
        {Profile::agent, "", {.uris = {"https://example.com/a"}}, "ca.name_missing"},
        {Profile::agent, "", {.uris = {agent, "https://example.com/a"}}, "ca.name_missing"},
        {Profile::client, "", {.uris = {agent, agent + "0"}}, "ca.name_invalid"},
        {Profile::client, "", {.uris = {"spiffe://Example.org/a"}}, "ca.name_invalid"},
        {Profile::client, "", {.uris = {"SPIFFE://example.org/a"}}, "ca.name_invalid"},
        {Profile::client, "", {.dns = {"*.example.com"}}, "ca.name_invalid"},
        {Profile::server, "", {.dns = {"a.*.com"}}, "ca.name_invalid"},
        {Profile::server, "", {.dns = {"a*.example.com"}}, "ca.name_invalid"},
        {Profile::server, "", {.dns = {"UPPER.example"}}, "ca.name_invalid"},
        {Profile::server, "", {.dns = {"a.example,DNS:b.example"}}, "ca.name_invalid"},
        {Profile::server, "", {.dns = {std::string("a.example\0.b", 12)}}, "ca.name_invalid"},
        {Profile::server, "", {.addresses = {"localhost"}}, "ca.name_invalid"},
        {Profile::server, "", {.addresses = {""}}, "ca.name_invalid"},
        {Profile::client, "", {.uris = {"no scheme"}}, "ca.name_invalid"},
        {Profile::client, "", {.uris = {":b"}}, "ca.name_invalid"},
        {Profile::client, "", {.uris = {"a:" + std::string(2048, 'b')}}, "ca.name_invalid"},
        {Profile::server, "a\nb", {.dns = {"a.example"}}, "ca.name_invalid"},
        {Profile::server,
         std::string_view("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                          "aaaaaaaaa"),
         {.dns = {"a.example"}},
         "ca.name_invalid"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(testing::Message() << rules_of(c.profile).name << ' ' << c.common_name << ' '
                                        << testing::PrintToString(c.names.dns)
                                        << testing::PrintToString(c.names.uris));
        const auto checked = check_names(c.profile, c.common_name, c.names);
        EXPECT_EQ(checked ? "" : checked.error().reason, c.reason);
    }
}

TEST(SpiffeId, IsReadAsTheStandardHasIt) {
    struct Case {
        std::string_view uri;
        bool good;
    };
    const std::string longest = "spiffe://a/" + std::string(2048 - 11, 'b');
    const std::string too_long = longest + "b";
    const std::string domain = "spiffe://" + std::string(255, 'a') + "/b";
    const std::string long_domain = "spiffe://a" + domain.substr(9);
    const Case cases[] = {
        {"spiffe://example.org", false},
        {"spiffe://example.org/a", true},
        {"spiffe://example_1.org/Agent-7/x.y_z", true},
        {"spiffe://10.0.0.1/a", true},
        {longest, true},
        {domain, true},
        {too_long, false},
        {long_domain, false},
        {"spiffe://", false},
        {"spiffe:///a", false},
        {"spiffe://example.org/", false},
        {"spiffe://example.org//a", false},
        {"spiffe://example.org/a/", false},
        {"spiffe://example.org/./a", false},
        {"spiffe://example.org/a/..", false},
        {"spiffe://example.org/a%2f", false},
        {"spiffe://example.org:443/a", false},
        {"spiffe://user@example.org/a", false},
        {"spiffe://example.org/a?b", false},
        {"spiffe://example.org/a#b", false},
        {"Spiffe://example.org/a", false},
        {"https://example.org/a", false},
        {"", false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.uri);
        EXPECT_EQ(valid_spiffe_id(c.uri), c.good);
    }
}

}  // namespace
}  // namespace gh::pki
