#include "pki/acme_client/documents.hpp"

#include <gtest/gtest.h>

namespace gh::pki::acme_client {
namespace {

using std::chrono::hours;

const std::string malformed = "acme_client.malformed";

template <class T>
std::string reason_of(const Result<T>& read) {
    return read ? "" : std::string(read.error().reason);
}

TEST(AcmeDocuments, ADirectoryNamesWhatAClientNeeds) {
    const auto found = read_directory(
        R"({"newNonce":"https://ca.example/n","newAccount":"https://ca.example/a",)"
        R"("newOrder":"https://ca.example/o","renewalInfo":"https://ca.example/r","keyChange":1,)"
        R"("meta":{"externalAccountRequired":true,"termsOfService":"https://ca.example/tos"}})");
    ASSERT_TRUE(found) << describe(found.error());
    EXPECT_EQ(found->new_nonce, "https://ca.example/n");
    EXPECT_EQ(found->new_account, "https://ca.example/a");
    EXPECT_EQ(found->new_order, "https://ca.example/o");
    EXPECT_EQ(found->renewal_info, "https://ca.example/r");
    EXPECT_TRUE(found->external_account_required);
    EXPECT_EQ(found->terms, "https://ca.example/tos");
    const auto bare = read_directory(
        R"({"newNonce":"https://c/n","newAccount":"https://c/a","newOrder":"https://c/o"})");
    ASSERT_TRUE(bare);
    EXPECT_FALSE(bare->external_account_required);
    EXPECT_EQ(bare->renewal_info, "");
}

TEST(AcmeDocuments, WhatIsNoDirectoryIsRefused) {
    const std::string long_url = "https://c/" + std::string(url_bytes_max, 'x');
    const std::string cases[] = {
        "",
        "[]",
        "{}",
        "null",
        R"({"newNonce":"https://c/n","newAccount":"https://c/a"})",
        R"({"newNonce":"https://c/n","newAccount":"https://c/a","newOrder":5})",
        R"({"newNonce":"http://c/n","newAccount":"https://c/a","newOrder":"https://c/o"})",
        R"({"newNonce":"/n","newAccount":"https://c/a","newOrder":"https://c/o"})",
        R"({"newNonce":"https://u:p@c/n","newAccount":"https://c/a","newOrder":"https://c/o"})",
        R"({"newNonce":"https://c/n","newAccount":"https://c/a","newOrder":"https://c/o",)"
        R"("renewalInfo":"ftp://c"})",
        R"({"newNonce":")" + long_url + R"(","newAccount":"https://c/a","newOrder":"https://c/o"})",
        std::string(document_bytes_max + 1, ' '),
        std::string(100, '[') + std::string(100, ']'),
    };
    for (const auto& text : cases) EXPECT_EQ(reason_of(read_directory(text)), malformed) << text;
}

TEST(AcmeDocuments, AnOrderAndHowItStands) {
    struct Case {
        std::string_view status;
        Standing standing;
    };
    constexpr Case cases[] = {{"pending", Standing::pending}, {"ready", Standing::ready},
                              {"valid", Standing::valid},     {"processing", Standing::processing},
                              {"invalid", Standing::invalid}, {"Valid", Standing::invalid},
                              {"expired", Standing::invalid}, {"", Standing::invalid}};
    for (const auto& c : cases) {
        const auto order = read_order(
            R"({"status":")" + std::string(c.status) +
            R"(","authorizations":["https://c/1","https://c/2"],"finalize":"https://c/f",)"
            R"("certificate":"https://c/x","error":{"type":"urn:ietf:params:acme:error:caa",)"
            R"("detail":"no"}})");
        ASSERT_TRUE(order) << describe(order.error());
        EXPECT_EQ(order->standing, c.standing) << c.status;
        EXPECT_EQ(order->authorizations.size(), 2U);
        EXPECT_EQ(order->certificate, "https://c/x");
        EXPECT_EQ(order->problem.text(), "caa: no");
    }
}

TEST(AcmeDocuments, WhatIsNoOrderIsRefused) {
    std::string many = R"("https://c/1")";
    for (std::size_t i = 0; i < authorizations_max; ++i) many += R"(,"https://c/1")";
    const std::string cases[] = {
        R"({"authorizations":[],"finalize":"https://c/f"})",
        R"({"status":"ready","finalize":"https://c/f"})",
        R"({"status":"ready","authorizations":{},"finalize":"https://c/f"})",
        R"({"status":"ready","authorizations":[1],"finalize":"https://c/f"})",
        R"({"status":"ready","authorizations":["x"],"finalize":"https://c/f"})",
        R"({"status":"ready","authorizations":[]})",
        R"({"status":"valid","authorizations":[],"finalize":"https://c/f","certificate":"x"})",
        R"({"status":"ready","authorizations":[)" + many + R"(],"finalize":"https://c/f"})",
    };
    for (const auto& text : cases) EXPECT_EQ(reason_of(read_order(text)), malformed) << text;
}

TEST(AcmeDocuments, AnAuthorizationHasChallengesThatCanBeAnswered) {
    const auto found = read_authorization(
        R"({"status":"pending","identifier":{"type":"dns","value":"A.example.com"},"challenges":[)"
        R"({"type":"http-01","url":"https://c/1","token":"abc_-9"},)"
        R"({"type":"tls-alpn-01","url":"https://c/2","token":"../x"},)"
        R"({"type":"dns-01","url":"nowhere","token":"abc"},)"
        R"({"type":"other"},7,)"
        R"({"type":"dns-01","url":"https://c/3","token":"t","error":{"type":"x","detail":"y"}}]})");
    ASSERT_TRUE(found) << describe(found.error());
    EXPECT_EQ(found->name, "a.example.com");
    EXPECT_EQ(found->standing, Standing::pending);
    ASSERT_EQ(found->challenges.size(), 2U);
    ASSERT_NE(found->find("http-01"), nullptr);
    EXPECT_EQ(found->find("http-01")->token, "abc_-9");
    EXPECT_EQ(found->find("tls-alpn-01"), nullptr) << "its token is none";
    EXPECT_EQ(found->problem().text(), "x: y");
    for (const auto* text :
         {R"({"status":"pending","identifier":{"type":"dns","value":"10.0.0.1"},"challenges":[]})",
          R"({"status":"pending","identifier":{"type":"dns"},"challenges":[]})",
          R"({"status":"pending","challenges":[]})",
          R"({"identifier":{"type":"dns","value":"a.example"},"challenges":[]})",
          R"({"status":"pending","identifier":{"type":"dns","value":"a.example"}})"})
        EXPECT_EQ(reason_of(read_authorization(text)), malformed) << text;
}

TEST(AcmeDocuments, AProblemIsOneLineForAnOperator) {
    EXPECT_EQ(
        read_problem(R"({"type":"urn:ietf:params:acme:error:badNonce","detail":"old"})").text(),
        "badNonce: old");
    EXPECT_EQ(read_problem(R"({"type":"about:blank"})").text(), "about:blank");
    EXPECT_EQ(read_problem(R"({"detail":"a\r\nb\u0000c"})").text(), "a  b c");
    EXPECT_EQ(read_problem("<html>").text(), "no reason given");
    EXPECT_EQ(read_problem(R"({"type":"t","detail":"d","subproblems":[)"
                           R"({"identifier":{"value":"a.example"},"detail":"not ours"}]})")
                  .text(),
              "t: d; a.example: not ours");
    const auto longest =
        read_problem(R"({"type":"t","detail":")" + std::string(5000, 'x') + R"("})");
    EXPECT_EQ(longest.detail.size(), problem_text_bytes_max);
}

TEST(AcmeDocuments, ARenewalWindowIsInUtcAndInOrder) {
    const auto window = [](std::string_view start, std::string_view end) {
        return read_renewal_window(R"({"suggestedWindow":{"start":")" + std::string(start) +
                                   R"(","end":")" + std::string(end) + R"("}})");
    };
    const auto found = window("2025-01-02T04:00:00Z", "2025-01-03T04:00:00Z");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->end - found->start, hours(24));
    EXPECT_EQ(*window("2025-01-02T04:00:00.123456Z", "2025-01-03T04:00:00+00:00"), *found);
    for (const auto& [start, end] : {std::pair{"2025-01-03T04:00:00Z", "2025-01-02T04:00:00Z"},
                                     {"2025-01-02", "2025-01-03T04:00:00Z"},
                                     {"2025-01-02T04:00:00.Z", "2025-01-03T04:00:00Z"},
                                     {"2025-01-02T04:00:00.5", "2025-01-03T04:00:00Z"},
                                     {"2025-01-02T04:00:00+02:00", "2025-01-03T04:00:00Z"},
                                     {"", ""}})
        EXPECT_EQ(reason_of(window(start, end)), malformed) << start;
    EXPECT_EQ(reason_of(read_renewal_window("{}")), malformed);
    EXPECT_EQ(reason_of(read_renewal_window(R"({"suggestedWindow":[]})")), malformed);
}

TEST(AcmeDocuments, RetryAfterIsSecondsOrADate) {
    const SystemTime now{seconds(1'750'000'000)};  // Sun, 15 Jun 2025 15:06:40 GMT
    struct Case {
        std::string_view value;
        std::optional<seconds> wait;
    };
    const Case cases[] = {
        {"0", seconds(0)},
        {"120", seconds(120)},
        {"999999999999", seconds(86'400)},
        {"Sun, 15 Jun 2025 15:07:40 GMT", seconds(60)},
        {"Sun, 15 Jun 2025 15:05:40 GMT", seconds(0)},
        {"Sun, 15 Jun 2035 15:05:40 GMT", seconds(86'400)},
        {"Sun, 15 Jun 9999 15:05:40 GMT", seconds(86'400)},
        {"Sun, 15 Jun 0001 15:05:40 GMT", seconds(0)},
        {"-1", std::nullopt},
        {"", std::nullopt},
        {"soon", std::nullopt},
        {"Sun, 15 Jun 2025 15:07:40 GMT!", std::nullopt},
    };
    for (const auto& c : cases) EXPECT_EQ(read_retry_after(c.value, now), c.wait) << c.value;
}

}  // namespace
}  // namespace gh::pki::acme_client
