#include "config/yaml.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::config {
namespace {

std::string repeated(std::string_view piece, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += piece;
    return out;
}

TEST(Yaml, ReadsMapsListsAndScalarsWithTheirLines) {
    const auto tree = parse_yaml("# comment\na: 1\nb:\n  - x\n  - {c: \"1\", d: }\n", "f");
    ASSERT_TRUE(tree) << tree.error().line_text();
    EXPECT_EQ(tree->find("a")->text(), "1");
    EXPECT_FALSE(tree->find("a")->quoted());
    EXPECT_EQ(tree->find("a")->at().line, 2U);
    const auto& list = *tree->find("b");
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list.child(0).at().line, 4U);
    EXPECT_EQ(list.child(0).at().column, 5U);
    EXPECT_TRUE(list.child(1).find("c")->quoted());
    EXPECT_EQ(list.child(1).find("d")->kind(), Node::Kind::null);
    EXPECT_EQ(tree->find("nothing"), nullptr);
}

TEST(Yaml, AnEmptyTextIsAnEmptyMap) {
    for (const auto* text : {"", "# only a comment\n", "---\n", "\n\n", "~", "...\n"}) {
        SCOPED_TRACE(text);
        const auto tree = parse_yaml(text, "f");
        ASSERT_TRUE(tree);
        EXPECT_EQ(tree->kind(), Node::Kind::map);
        EXPECT_EQ(tree->size(), 0U);
    }
}

TEST(Yaml, WordsStayAsTheyAreWritten) {
    const auto tree = parse_yaml("a: no\nb: 010\nc: 1e3\nd: 'true'\ne: |\n  two\n  lines\n", "f");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->find("a")->text(), "no");
    EXPECT_EQ(tree->find("b")->text(), "010");
    EXPECT_EQ(tree->find("c")->text(), "1e3");
    EXPECT_TRUE(tree->find("d")->quoted());
    EXPECT_EQ(tree->find("e")->text(), "two\nlines\n");
    EXPECT_TRUE(tree->find("e")->quoted());
}

TEST(Yaml, RefusesWhatSurprises) {
    struct Case {
        std::string text, wanted;
    };
    const Case cases[] = {
        {"a: &x 1\n", "f:1: anchors are not allowed: write the value out"},
        {"a: 1\nb: *.example.com\n",
         "f:2: aliases are not allowed: write the value out, or put it in quotes if it is text"},
        {"a: &x [1]\n", "f:1: anchors are not allowed: write the value out"},
        {"&x a: 1\n", "f:1: anchors are not allowed: write the value out"},
        {"a: !!int 1\n", "f:1: tags are not allowed: each key knows its type"},
        {"a: !x {b: 1}\n", "f:1: tags are not allowed: each key knows its type"},
        {"a: 1\nb: 2\na: 3\n", "f:3: the key \"a\" appears twice in one map"},
        {"x: {a: 1, a: 2}\n", "f:1: the key \"a\" appears twice in one map"},
        {"[1, 2]: 3\n", "f:1: a key must be a single word"},
        {"? {a: 1}\n: 3\n", "f:1: a key must be a single word"},
        {"~: 3\n", "f:1: a key must be a single word"},
        {"a: 1\n---\nb: 2\n", "f: holds more than one YAML document"},
        {"a: [1, 2\n", "f:"},
        {"a: 'x\n", "f:"},
        {"a: 1\n  b: 2\n", "f:2: not YAML: "},
        {"a:\n\tb: 2\n", "f:"},
        {std::string("a: 1\nb: \xff\n"),
         "f:2: holds bytes that are not UTF-8 text, or control characters"},
        {std::string("a: 1\nb: \0\n", 9),
         "f:2: holds bytes that are not UTF-8 text, or control characters"},
        {"a: \x1b[31m\n", "f:1: holds bytes that are not UTF-8 text, or control characters"},
        {repeated("[", 33) + repeated("]", 33), "f:1: nested deeper than 32 levels"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto tree = parse_yaml(c.text, "f");
        ASSERT_FALSE(tree);
        EXPECT_EQ(tree.error().line_text().substr(0, c.wanted.size()), c.wanted);
    }
}

TEST(Yaml, LimitsHoldAtTheirEdge) {
    EXPECT_TRUE(parse_yaml(repeated("[", 32) + repeated("]", 32), "f"));

    std::string text = "a: 1\n#";
    text += std::string(yaml_bytes_max - text.size(), 'x');
    EXPECT_TRUE(parse_yaml(text, "f"));
    const auto larger = parse_yaml(text + "x", "f");
    ASSERT_FALSE(larger);
    EXPECT_EQ(larger.error().line_text(), "f: larger than 1048576 bytes");

    EXPECT_TRUE(parse_yaml(std::string(yaml_key_bytes_max, 'k') + ": 1", "f"));
    const auto longer = parse_yaml(std::string(yaml_key_bytes_max + 1, 'k') + ": 1", "f");
    ASSERT_FALSE(longer);
    EXPECT_EQ(longer.error().line_text(), "f:1: a key has more than 128 bytes");

    const auto keys = [](std::size_t count) {
        std::string out;
        for (std::size_t i = 0; i < count; ++i) out += "k" + std::to_string(i) + ": 1\n";
        return out;
    };
    EXPECT_TRUE(parse_yaml(keys(yaml_keys_max), "f"));
    const auto too_many = parse_yaml(keys(yaml_keys_max + 1), "f");
    ASSERT_FALSE(too_many);
    EXPECT_EQ(too_many.error().line_text(), "f:10001: more than 10000 keys in one map");

    const auto items = [](std::size_t count) { return "[" + repeated("1,", count - 1) + "1]"; };
    EXPECT_TRUE(parse_yaml(items(yaml_nodes_max - 1), "f"));  // the list itself is one
    const auto more = parse_yaml(items(yaml_nodes_max), "f");
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().text, "more than 100000 values");
}

TEST(Yaml, AProblemNeverShowsValuesOfTheFile) {
    const auto tree = parse_yaml("secret: hunter2\nother: [\n", "f");
    ASSERT_FALSE(tree);
    EXPECT_FALSE(tree.error().line_text().contains("hunter2"));
}

void expect_same(const Node& a, const Node& b) {
    ASSERT_EQ(a.kind(), b.kind());
    EXPECT_EQ(a.text(), b.text());
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a.kind() == Node::Kind::map) {
            EXPECT_EQ(a.key(i).name, b.key(i).name);
        }
        expect_same(a.child(i), b.child(i));
    }
}

TEST(Yaml, WhatIsWrittenReadsBackTheSame) {
    constexpr std::string_view texts[] = {
        "a: 1\n",
        "{}",
        "a: {}\nb: []\nc: null\nd: \"\"\n",
        "- - - x\n    - y\n  - z\n- {a: [{b: c, d: e}, {}], f: g}\n",
        "a: \"true\"\nb: \"1.2\"\nc: \"-x\"\nd: \"a: b\"\ne: \"#\"\nf: \"line\\nline\"\ng: "
        "\"\\\"\\\\\"\nh: \"[::]:8443\"\n",
        "\"odd key: #\": 1\n\"1\": 2\n",
        "a: over two |\n  lines + more\n",
        "a: \"\xc3\xa4\xe2\x82\xac\"\n",
    };
    for (const auto text : texts) {
        SCOPED_TRACE(text);
        const auto tree = parse_yaml(text, "f");
        ASSERT_TRUE(tree) << tree.error().line_text();
        const auto written = write_yaml(*tree);
        const auto again = parse_yaml(written, "f");
        ASSERT_TRUE(again) << written;
        expect_same(*tree, *again);
    }
}

TEST(Yaml, LocatesAPathOrTheClosestThingAbove) {
    const auto tree = parse_yaml("a:\n  - b: 1\n    c:\n      d: 2\n", "f");
    ASSERT_TRUE(tree);
    EXPECT_EQ(locate(*tree, "a[0].c.d").line, 4U);
    EXPECT_EQ(locate(*tree, "a[0].c.missing").line, 4U);  // where c's value begins
    EXPECT_EQ(locate(*tree, "a[7].c").line, 2U);
    EXPECT_EQ(locate(*tree, "nothing").line, 1U);
    EXPECT_EQ(locate(*tree, "").line, 1U);
}

}  // namespace
}  // namespace gh::config
