#include "gateway/proxy/hidden_texts.hpp"

#include <gtest/gtest.h>

#include "base/arena.hpp"
#include "codec/base64.hpp"
#include "codec/percent.hpp"

namespace gh::gateway::proxy {
namespace {

HiddenTexts texts(const std::string& secret, bool hide = true) {
    const std::string field = "Bearer " + secret;
    return HiddenTexts(
        {.headers = {{"Authorization", {{RequestFact::none, field, {{7, secret.size()}}}}}},
         .hide = hide});
}

std::string hidden(const HiddenTexts& texts, std::string text) {
    texts.hide(text);
    return text;
}

const std::string secret = "s3cr&t/\"of <us> + you";

TEST(HiddenTexts, AreFoundInEveryFormAndNothingElseIsTouched) {
    const auto all = texts(secret);
    const auto percent = codec::percent_encode(secret);
    std::string lower = percent;
    for (std::size_t i = 0; i + 2 < lower.size(); ++i) {
        if (lower[i] != '%') continue;
        for (auto at : {i + 1, i + 2}) lower[at] = static_cast<char>(std::tolower(lower[at]));
    }
    const std::string forms[] = {secret,
                                 percent,
                                 lower,
                                 "s3cr%26t%2F%22of+%3Cus%3E+%2B+you",
                                 "s3cr&t/\\\"of <us> + you",
                                 "s3cr&t\\/\\\"of <us> + you",
                                 "s3cr&amp;t/&quot;of &lt;us&gt; + you",
                                 "s3cr&amp;t/&#34;of &lt;us&gt; + you"};
    for (const auto& form : forms) {
        EXPECT_EQ(hidden(all, "a" + form + "b"), "a" + std::string(form.size(), '*') + "b") << form;
        EXPECT_EQ(hidden(all, form.substr(1)), form.substr(1));
    }
    EXPECT_EQ(hidden(all, "Bearer token"), "Bearer token");
    EXPECT_EQ(hidden(all, secret + secret), std::string(2 * secret.size(), '*'));
}

TEST(HiddenTexts, AreFoundWithinBase64WhereverTheyBegin) {
    const auto all = texts(secret);
    for (const std::string before : {"", "u", "us", "user", "user:"}) {
        for (const std::string behind : {"", "!", "!!", "!!!"}) {
            for (const bool url : {false, true}) {
                const auto whole = before + secret + behind;
                const auto encoded =
                    url ? codec::encode_base64url(whole) : codec::encode_base64(whole);
                const auto seen = hidden(all, encoded);
                EXPECT_NE(seen, encoded) << whole;
                // At most what neighbours share is left of it.
                EXPECT_LE(
                    std::ranges::count_if(seen, [](char c) { return c != '*'; }),
                    static_cast<std::ptrdiff_t>((before.size() + behind.size() + 2) * 4 / 3 + 5))
                    << seen;
            }
        }
    }
}

TEST(HiddenTexts, WhatIsBase64ItselfIsFoundDecoded) {
    const auto all = texts(codec::encode_base64("ada:plain as day"));
    EXPECT_EQ(hidden(all, "is ada:plain as day."), "is ****************.");
}

TEST(HiddenTexts, ShortOnesAndThoseThatMayBeSeenAreNotLookedFor) {
    EXPECT_TRUE(texts("1234567").empty());
    EXPECT_FALSE(texts("12345678").empty());
    EXPECT_TRUE(texts(secret, false).empty());
    EXPECT_TRUE(HiddenTexts({.headers = {{"X-A", {{RequestFact::none, secret, {}}}}}}).empty());
}

TEST(Hiding, FindsThemHoweverTheAnswerIsCut) {
    const auto all = texts("0123456789abcdef");
    const std::string text = "x0123456789abcdef0123456789abcde0123456789abcdef01234";
    const std::string wanted =
        "x" + std::string(16, '*') + "0123456789abcde" + std::string(16, '*') + "01234";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        Hiding hiding(&all);
        std::string seen;
        for (std::size_t at = 0; at < text.size(); at += size)
            seen += hiding.pass(std::string_view(text).substr(at, size), false);
        EXPECT_LE(hiding.held(), 15U);
        seen += hiding.pass({}, true);
        EXPECT_EQ(seen, wanted) << size;
    }
}

TEST(Hiding, FindsThoseThatOverlap) {
    const std::string one = "ABCDEFGHij", two = "xyABCDEFGHijKL", three = "GHijKLmnop";
    const HiddenTexts all(
        {.headers = {{"X-A", {{RequestFact::none, one, {{0, one.size()}}}}},
                     {"X-B", {{RequestFact::none, two, {{0, two.size()}}}}},
                     {"X-C", {{RequestFact::none, three, {{0, three.size()}}}}}}});
    const std::string text = "-xyABCDEFGHijKL-xyABCDEFGHijKLmnop-xyABCDEFGHij-";
    const std::string wanted = "-" + std::string(14, '*') + "-" + std::string(18, '*') + "-xy" +
                               std::string(10, '*') + "-";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        Hiding hiding(&all);
        std::string seen;
        for (std::size_t at = 0; at < text.size(); at += size)
            seen += hiding.pass(std::string_view(text).substr(at, size), false);
        seen += hiding.pass({}, true);
        EXPECT_EQ(seen, wanted) << size;
    }
}

TEST(Hiding, HoldsNothingBackThatCannotBeTheBeginning) {
    const auto all = texts("0123456789abcdef");
    Hiding hiding(&all);
    EXPECT_EQ(hiding.pass("data: hello\n\n", false), "data: hello\n\n");
    EXPECT_EQ(hiding.pass("data: 012", false), "data: ");
    EXPECT_EQ(hiding.pass("x", false), "012x");
    EXPECT_EQ(hiding.pass("01", true), "01");
}

TEST(Hiding, PassesTheHeadAsWell) {
    const auto all = texts("0123456789abcdef");
    const Hiding hiding(&all);
    Arena arena;
    http::ResponseHead head;
    head.reason = "no 0123456789abcdef";
    head.fields.add("Location", "/?key=0123456789abcdef");
    head.fields.add("X-0123456789abcdef", "a");
    head.fields.add("X-B", "b");
    hiding.pass(head, arena);
    EXPECT_EQ(head.reason, "");
    ASSERT_EQ(head.fields.size(), 2U);
    EXPECT_EQ(head.fields.find("Location")->value, "/?key=****************");
}

TEST(Hiding, WhatCannotBeLookedThroughMayNotPass) {
    const auto all = texts("0123456789abcdef");
    http::ResponseHead head;
    head.body.kind = http::Framing::chunked;
    EXPECT_TRUE(Hiding(&all).may_pass(head));
    head.fields.add("Content-Encoding", "identity");
    EXPECT_TRUE(Hiding(&all).may_pass(head));
    head.fields.add("Content-Encoding", "gzip");
    EXPECT_FALSE(Hiding(&all).may_pass(head));
    EXPECT_TRUE(Hiding(nullptr).may_pass(head));
    head.fields.clear();
    head.body.kind = http::Framing::tunnel;
    EXPECT_FALSE(Hiding(&all).may_pass(head));
}

}  // namespace
}  // namespace gh::gateway::proxy
