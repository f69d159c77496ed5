#include "config/dotenv.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace gh::config {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

TEST(Dotenv, ReadsLinesAsPythonDotenvDoes) {
    struct Case {
        std::string_view text;
        Variables wanted;
    };
    const Case cases[] = {
        {"", {}},
        {"A=1\n", {{"A", "1"}}},
        {"A=1", {{"A", "1"}}},
        {"A=1\r\nB=2\r\n", {{"A", "1"}, {"B", "2"}}},
        {"# comment\n\n  A = 1  \n", {{"A", "1"}}},
        {"export A=1\n", {{"A", "1"}}},
        {"export=1\n", {{"export", "1"}}},
        {"A=\nB=''\n", {{"A", ""}, {"B", ""}}},
        {"A=a b # comment\n", {{"A", "a b"}}},
        {"A=a#b\n", {{"A", "a#b"}}},
        {"A=#b\n", {{"A", "#b"}}},
        {"A='a # b' # comment\n", {{"A", "a # b"}}},
        {"A='\\'\\\\\\n'\n", {{"A", "'\\\\n"}}},
        {"A=\"a\\nb\\t\\\"\\\\ \\x\"\n", {{"A", "a\nb\t\"\\ \\x"}}},
        {"A=\"two\nlines\"\nB=2\n", {{"A", "two\nlines"}, {"B", "2"}}},
        {"A=1\nA=2\n", {{"A", "2"}}},
        {"A\nB=1\n", {{"B", "1"}}},
        {"A=a=b\n", {{"A", "a=b"}}},
        {"A=1\nB=${A}2\nC='${A}'\n", {{"A", "1"}, {"B", "12"}, {"C", "${A}"}}},
        {"B=${NOPE}x${NOPE:-y}\n", {{"B", "xy"}}},
        {"B=${HOME}\nHOME=/wrong\nC=${HOME}\n",
         {{"B", "/home"}, {"HOME", "/wrong"}, {"C", "/home"}}},
        {"B=${open\n", {{"B", "${open"}}},
    };
    const Environment process(Variables{{"HOME", "/home"}});
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto read = parse_dotenv(c.text, ".env", process);
        ASSERT_TRUE(read) << read.error().line_text();
        EXPECT_EQ(read->all(), c.wanted);
    }
}

TEST(Dotenv, RefusesWhatItCannotUnderstandAndShowsNoValue) {
    struct Case {
        std::string text, wanted;
    };
    const Case cases[] = {
        {"A=1\n=hunter2\n", ".env:2: is not NAME=value"},
        {"A=1\n\n{hunter2\n", ".env:3: is not NAME=value"},
        {"A hunter2\n", ".env:1: A: has no = after its name"},
        {"A=\"two\nlines\"\nB='hunter2\n", ".env:3: B: has a quote that is not closed"},
        {"A='1' hunter2\n", ".env:1: A: has something behind its closing quote"},
        {"A=\x01hunter2\n", ".env: holds bytes that are not UTF-8 text, or control characters"},
        {std::string(dotenv_bytes_max + 1, '#'), ".env: is larger than 256 KiB"},
        {"A=" + std::string(64 * 1024 + 1, 'x'), ".env:1: A: is longer than 64 KiB"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text.substr(0, 40));
        const auto read = parse_dotenv(c.text, ".env", {});
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().line_text(), c.wanted);
    }
}

TEST(Dotenv, AssignmentsSayWhereTheyStand) {
    const std::string_view text =
        "# c\n export A = 1  # x\r\nB='2\n3' # y\nC=${A}${NOPE}${P}\nA=\nD\nE=";
    const Environment process(Variables{{"P", "p"}, {"A", "of the process"}});
    const auto alone = parse_dotenv_assignments(text, ".env", {});
    ASSERT_TRUE(alone);
    std::string seen;
    for (const auto& each : *alone) {
        seen += std::to_string(each.line) + "[" +
                std::string(text.substr(each.begin, each.end - each.begin)) + "]" +
                std::string(each.value.view()) + "<" +
                (each.uses.empty() ? "" : each.uses[0].name) + ";";
    }
    EXPECT_EQ(seen, "2[ export A = 1]1<;3[B='2\n3']2\n3<;5[C=${A}${NOPE}${P}]1<A;6[A=]<;8[E=]<;");
    const auto within = parse_dotenv_assignments(text, ".env", process);
    ASSERT_TRUE(within);
    EXPECT_EQ((*within)[2].value.view(), "of the processp");
    EXPECT_FALSE(parse_dotenv_assignments("A='", ".env", {}));
}

TEST(Dotenv, EachReferenceIsKnownWithWhoAnsweredIt) {
    const Environment process(Variables{{"P", "of the process"}, {"BOTH", "of the process"}});
    const auto read = parse_dotenv_assignments(
        "A=1\nBOTH=2\nC=${A}${BOTH}${P}${NOPE:-3}${NOPE}\nD='${A}'\n", ".env", process);
    ASSERT_TRUE(read);
    using From = DotenvReference::From;
    const std::pair<std::string_view, From> expected[] = {{"A", From::line},
                                                          {"BOTH", From::process},
                                                          {"P", From::process},
                                                          {"NOPE", From::fallback},
                                                          {"NOPE", From::nobody}};
    const auto& uses = (*read)[2].uses;
    ASSERT_EQ(uses.size(), std::size(expected));
    for (std::size_t i = 0; i < uses.size(); ++i) {
        EXPECT_EQ(uses[i].name, expected[i].first);
        EXPECT_EQ(uses[i].from, expected[i].second) << uses[i].name;
    }
    EXPECT_TRUE((*read)[3].uses.empty()) << "single quotes refer to nothing";
}

TEST(Dotenv, AValueThatMultipliesItselfIsStopped) {
    std::string text = "A=" + std::string(1000, 'x') + "\n";
    for (char name = 'B'; name <= 'H'; ++name) {
        const std::string above = std::string("${") + static_cast<char>(name - 1) + "}";
        text += name;
        text += '=';
        for (int i = 0; i < 20; ++i) text += above;
        text += '\n';
    }
    const auto read = parse_dotenv(text, ".env", {});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().line_text(), ".env:3: C: is longer than 64 KiB");
}

TEST(Environment, WhatTheProcessSaysWins) {
    const Environment process(Variables{{"A", "process"}, {"EMPTY", ""}});
    const auto both =
        process.over(Environment(Variables{{"A", "file"}, {"B", "file"}, {"EMPTY", "file"}}));
    EXPECT_EQ(both.find("A"), "process");
    EXPECT_EQ(both.find("B"), "file");
    EXPECT_EQ(both.find("EMPTY"), "");
    EXPECT_EQ(both.find("C"), std::nullopt);
}

TEST(Environment, OfThisProcessHoldsWhatWasSet) {
    ASSERT_EQ(::setenv("GATEHOUSE_TEST_VARIABLE", "a=b", 1), 0);
    EXPECT_EQ(Environment::of_process().find("GATEHOUSE_TEST_VARIABLE"), "a=b");
    ASSERT_EQ(::unsetenv("GATEHOUSE_TEST_VARIABLE"), 0);
    EXPECT_EQ(Environment::of_process().find("GATEHOUSE_TEST_VARIABLE"), std::nullopt);
}

}  // namespace
}  // namespace gh::config
