#include "gateway/proxy/hidden_texts.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/arena.hpp"
#include "codec/base64.hpp"
#include "codec/percent.hpp"

namespace gh::gateway::proxy {
namespace {

HeaderInjection injection(const std::string& secret) {
    return {"Authorization", {{RequestFact::none, "Bearer " + secret, {{7, secret.size()}}}}};
}

HiddenTexts texts(const std::vector<std::string>& secrets, bool hide = true) {
    InjectConfig inject{.headers = {}, .hide = hide};
    for (const auto& secret : secrets) inject.headers.push_back(injection(secret));
    HiddenTexts all;
    all.add(inject);
    return all;
}

std::string hidden(const HiddenTexts& texts, std::string text) {
    texts.hide(text);
    return text;
}

std::string stars(std::size_t count) { return std::string(count, '*'); }

/// In pieces of this size.
std::string passed(const HiddenTexts& texts, std::string_view text, std::size_t size) {
    Hiding hiding(&texts);
    std::string shown;
    for (std::size_t at = 0; at < text.size(); at += size)
        shown += hiding.pass(text.substr(at, size), false);
    return shown += hiding.pass({}, true);
}

const std::string secret = "s3cr&t/\"of <us> + you=";

TEST(HiddenTexts, AreFoundHoweverTheyAreEscapedAndNothingElseIsTouched) {
    const auto all = texts({secret});
    const std::string forms[] = {
        secret,
        codec::percent_encode(secret),
        "s3cr%26t/%22of%20%3cus%3e%20%2b%20you=",  // as Python's quote() has it, in lower case
        "s3cr%26t%2F%22of+%3Cus%3E+%2B+you%3D",    // a form
        "s3cr%2526t%252F%2522of%2520%253Cus%253E%2520%252B%2520you%253D",
        "s3cr&t/\\\"of <us> + you=",
        "s3cr&t\\/\\\"of <us> + you=",
        "s3cr\\u0026t/\\u0022of \\u003cus\\u003E \\u002B you=",
        "s3cr\\\\u0026t/\\\\\\\"of <us> + you=",  // a string within a string
        "s3cr&amp;t/&quot;of &lt;us&gt; + you=",
        "s3cr&#38;t&#x2F;&#34;of &#60;us&#x3e; &#43; you&#x3D;",
    };
    for (const auto& form : forms) {
        EXPECT_EQ(hidden(all, "a" + form + "b"), "a" + stars(form.size()) + "b") << form;
        EXPECT_EQ(hidden(all, form.substr(0, form.size() - 1)), form.substr(0, form.size() - 1));
    }
    EXPECT_EQ(hidden(all, "Bearer token"), "Bearer token");
    const auto one_word = texts({"0123456789abcdef"});
    EXPECT_EQ(hidden(one_word, "123456789abcdef0"), "123456789abcdef0");
    EXPECT_EQ(hidden(all, secret + secret), stars(2 * secret.size()));
}

TEST(HiddenTexts, MayLookLikeEscapesThemselves) {
    const std::string odd = "%25&amp;\\u0041%41";
    const auto all = texts({odd});
    EXPECT_EQ(hidden(all, "-" + odd + "-"), "-" + stars(odd.size()) + "-");
    const auto escaped = codec::percent_encode(odd);
    EXPECT_EQ(hidden(all, "-" + escaped + "-"), "-" + stars(escaped.size()) + "-");
}

TEST(HiddenTexts, AreFoundWithinBase64WhereverTheyBegin) {
    const auto all = texts({secret});
    for (const std::string before : {"", "u", "us", "user", "user:"}) {
        for (const std::string behind : {"", "!", "!!", "!!!"}) {
            for (const bool url : {false, true}) {
                const auto whole = before + secret + behind;
                const auto encoded =
                    url ? codec::encode_base64url(whole) : codec::encode_base64(whole);
                const auto seen = hidden(all, encoded);
                // At most what neighbours share is left of it.
                EXPECT_LE(
                    std::ranges::count_if(seen, [](char c) { return c != '*'; }),
                    static_cast<std::ptrdiff_t>((before.size() + behind.size() + 2) * 4 / 3 + 5))
                    << seen;
                const auto twice = codec::percent_encode(encoded);
                EXPECT_NE(hidden(all, twice), twice);
            }
        }
    }
}

TEST(HiddenTexts, PartsThatAreSecretsByThemselvesCountToo) {
    const auto pair = texts({"ada:plain-as-day"});
    EXPECT_EQ(hidden(pair, "plain-as-day!"), stars(12) + "!");
    const auto scheme = texts({" Basic " + codec::encode_base64("ada:plain-as-day") + " "});
    for (const std::string form : {"ada:plain-as-day", "plain-as-day"})
        EXPECT_EQ(hidden(scheme, "is " + form + "."), "is " + stars(form.size()) + ".");
    EXPECT_EQ(hidden(texts({"0123456789abcdef"}), "30313233343536373839616263646566"), stars(32));
}

TEST(HiddenTexts, ShortOnesAndThoseThatMayBeSeenAreNotLookedFor) {
    EXPECT_TRUE(texts({"1234567"}).empty());
    EXPECT_FALSE(texts({"12345678"}).empty());
    EXPECT_TRUE(texts({secret}, false).empty());
    HiddenTexts literal;
    literal.add({.headers = {{"X-A", {{RequestFact::none, secret, {}}}}}});
    EXPECT_TRUE(literal.empty());
}

TEST(Hiding, FindsThemHoweverTheAnswerIsCut) {
    const auto all = texts({"0123456789abcdef"});
    const std::string text = "x0123456789abcdef0123456789abcde0123456789abcdef01234";
    const auto wanted = "x" + stars(16) + "0123456789abcde" + stars(16) + "01234";
    for (std::size_t size = 1; size <= text.size(); ++size)
        EXPECT_EQ(passed(all, text, size), wanted) << size;
}

TEST(Hiding, FindsThoseThatOverlap) {
    const auto all = texts({"ABCDEFGHij", "xyABCDEFGHijKL", "GHijKLmnop"});
    const std::string text = "-xyABCDEFGHijKL-xyABCDEFGHijKLmnop-xyABCDEFGHij-";
    const auto wanted = "-" + stars(14) + "-" + stars(18) + "-xy" + stars(10) + "-";
    for (std::size_t size = 1; size <= text.size(); ++size)
        EXPECT_EQ(passed(all, text, size), wanted) << size;
}

TEST(Hiding, WhereAnAnswerIsCutTellsNothingOfTheSecret) {
    const auto one = texts({"0123456789abcdef"}), other = texts({"fedcba9876543210"});
    std::minstd_rand random(1);
    for (int round = 0; round < 200; ++round) {
        Hiding a(&one), b(&other);
        for (int i = 0; i < 20; ++i) {
            std::string piece;
            const auto size = random() % 40;
            for (std::size_t at = 0; at < size; ++at) piece += "0123456789abc\n"[random() % 14];
            EXPECT_EQ(a.pass(piece, false).size(), b.pass(piece, false).size());
        }
    }
}

TEST(Hiding, LinesAndEventsGoOnAtOnce) {
    const auto all = texts({"0123456789abcdef"});
    Hiding hiding(&all);
    EXPECT_EQ(hiding.pass("data: hello\n\n", false), "data: hello\n\n");
    EXPECT_EQ(hiding.pass("data: 012", false), "");
    EXPECT_EQ(hiding.pass("x\n", false), "data: 012x\n");
    EXPECT_EQ(hiding.pass("01", true), "01");
    const auto much = std::string(100'000, 'x');
    (void)hiding.pass(much, false);
    EXPECT_LT(hiding.held(), 400U);
}

TEST(Hiding, PassesTheHeadAsWell) {
    const auto all = texts({"0123456789abcdef"});
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
    const auto all = texts({"0123456789abcdef"});
    const Hiding hiding(&all);
    http::ResponseHead head;
    head.status = 200;
    head.body.kind = http::Framing::chunked;
    EXPECT_TRUE(hiding.may_pass(head));
    head.status = 206;
    EXPECT_FALSE(hiding.may_pass(head));
    head.status = 200;
    for (const auto* good : {"identity", ""}) head.fields.add("Content-Encoding", good);
    EXPECT_TRUE(hiding.may_pass(head));
    head.fields.add("Content-Encoding", "gzip");
    EXPECT_FALSE(hiding.may_pass(head));
    EXPECT_TRUE(Hiding(nullptr).may_pass(head));
    head.body.kind = http::Framing::none;  // HEAD, 304
    EXPECT_TRUE(hiding.may_pass(head));
    head.fields.clear();
    head.body.kind = http::Framing::tunnel;
    EXPECT_FALSE(hiding.may_pass(head));
}

}  // namespace
}  // namespace gh::gateway::proxy
