#include "config/types.hpp"

#include <gtest/gtest.h>

#include <map>

#include "config/object.hpp"
#include "config/yaml.hpp"

namespace gh::config {
namespace {

using std::chrono::milliseconds;

enum class Colour : std::uint8_t { red, green };

struct Inner {
    std::string word = "default";
    std::optional<milliseconds> wait;
};

struct Sample {
    std::string name;
    std::uint32_t count = 5;
    bool on = true;
    milliseconds wait{1000};
    std::size_t bytes = 1024;
    Colour colour = Colour::red;
    std::filesystem::path file;
    Secret secret;
    std::vector<std::string> words;
    std::vector<std::pair<std::string, std::string>> map;
    Inner inner;
    std::uint32_t threads = 0;
    std::vector<std::string> one_or_more;
};

Type<Sample> sample_type() {
    Object<Inner> inner;
    inner.key("word", &Inner::word, text({.bytes_max = 8}), "A word.");
    inner.key("wait", &Inner::wait, maybe(duration(milliseconds(1), milliseconds(10'000))),
              "A wait.");
    Alternatives<std::vector<std::string>> ways;
    ways.scalar = mapped<std::string, std::vector<std::string>>(
        text(),
        [](const std::string& one) -> Result<std::vector<std::string>> { return std::vector{one}; },
        [](const std::vector<std::string>& words) { return words.front(); });
    ways.sequence = list_of(text(), {.items_min = 1});
    ways.shown_as = [](const auto& words) {
        return words.size() == 1 ? Node::Kind::scalar : Node::Kind::sequence;
    };

    Object<Sample> table;
    table.required("name", &Sample::name, name(), "What it is called.");
    table.key("count", &Sample::count, integer(1U, 10U), "A count.");
    table.key("on", &Sample::on, boolean(), "A switch.");
    table.key("wait", &Sample::wait, duration(milliseconds(10), milliseconds(60'000)), "A wait.");
    table.key("bytes", &Sample::bytes, size<std::size_t>(512, 4096), "A size.");
    table.key("colour", &Sample::colour,
              choice<Colour>({{"red", Colour::red}, {"green", Colour::green}},
                             {{"white", std::string("is for the sea; here: red, green")}}),
              "A colour.");
    table.key("file", &Sample::file, file_path(), "A file.");
    table.key("secret", &Sample::secret, secret(), "A secret.");
    table.key("words", &Sample::words, list_of(text(), {.items_max = 2}), "Words.");
    table.key("map", &Sample::map, map_of(text(), 2), "A map.");
    table.key("inner", &Sample::inner, inner.type(), "More.");
    table.key("threads", &Sample::threads, or_word("auto", 0U, integer(1U, 8U)), "Threads.");
    table.key("one_or_more", &Sample::one_or_more, either(std::move(ways)), "One or more.");
    table.check([](const Node& node, Reader& reader, const Sample& sample) {
        if (sample.name != "forbidden") return true;
        reader.refuse(node, "is forbidden");
        return false;
    });
    return table.type();
}

struct Outcome {
    std::optional<Sample> sample;
    std::string problems, literal_secrets;
};

Outcome read(const std::string& yaml) {
    const auto tree = parse_yaml(yaml, "f");
    if (!tree) return {{}, tree.error().line_text(), {}};
    Problems problems;
    Origins origins;
    const Environment environment(std::map<std::string, std::string, std::less<>>{
        {"COUNT", "7"}, {"ON", "false"}, {"SECRET", "hunter2"}, {"COLOUR", "green"}});
    Reader reader({.file = "f", .folder = "/etc/gatehouse", .environment = &environment}, problems,
                  origins);
    Sample sample;
    const bool good = sample_type().read(*tree, reader, sample);
    EXPECT_EQ(good, problems.empty()) << problems.text();
    Outcome out{{}, problems.text(), reader.literal_secrets().text()};
    if (good) out.sample = std::move(sample);
    return out;
}

TEST(Types, ReadWhatIsRightAndKeepDefaultsOfTheRest) {
    const auto bare = read("name: a-1_b.c");
    ASSERT_TRUE(bare.sample) << bare.problems;
    EXPECT_EQ(bare.sample->count, 5U);
    EXPECT_EQ(bare.sample->inner.word, "default");
    EXPECT_FALSE(bare.sample->inner.wait);

    const auto full = read(
        "name: x\ncount: 10\non: false\nwait: 60s\nbytes: 4KiB\ncolour: green\nfile: a/../b.pem\n"
        "secret: \"${env:SECRET}\"\nwords: [a, \"1\"]\nmap: {k: v, l: w}\n"
        "inner: {word: w, wait: 10ms}\nthreads: 8\none_or_more: [p, q]\n");
    ASSERT_TRUE(full.sample) << full.problems;
    const auto& sample = *full.sample;
    EXPECT_EQ(sample.count, 10U);
    EXPECT_FALSE(sample.on);
    EXPECT_EQ(sample.wait, milliseconds(60'000));
    EXPECT_EQ(sample.bytes, 4096U);
    EXPECT_EQ(sample.colour, Colour::green);
    EXPECT_EQ(sample.file, "/etc/gatehouse/b.pem");
    EXPECT_EQ(sample.secret.view(), "hunter2");
    EXPECT_EQ(sample.words, (std::vector<std::string>{"a", "1"}));
    EXPECT_EQ(sample.map.back().second, "w");
    EXPECT_EQ(sample.inner.wait, milliseconds(10));
    EXPECT_EQ(sample.threads, 8U);
    EXPECT_EQ(sample.one_or_more.size(), 2U);
    EXPECT_EQ(full.literal_secrets, "");
}

TEST(Types, AReferenceMayStandForAnyKindOfValue) {
    const auto outcome =
        read("name: x\ncount: ${env:COUNT}\non: \"${env:ON}\"\ncolour: ${env:COLOUR}\n");
    ASSERT_TRUE(outcome.sample) << outcome.problems;
    EXPECT_EQ(outcome.sample->count, 7U);
    EXPECT_FALSE(outcome.sample->on);
    EXPECT_EQ(outcome.sample->colour, Colour::green);
}

TEST(Types, EveryRefusalNamesLineKeyAndWhatIsAllowed) {
    struct Case {
        std::string yaml, wanted;
    };
    const Case cases[] = {
        {"nmae: x",
         "f:1: nmae: unknown key, did you mean name? allowed: name, count, on, wait, bytes, "
         "colour, file, "
         "secret, words, map, inner, threads, one_or_more\nf:1: name: is missing: What it is "
         "called."},
        {"- a", "f:1: is a list, wanted: a map"},
        {"name: [x]", "f:1: name: is a list, wanted: text"},
        {"name:", "f:1: name: is nothing, wanted: text"},
        {"name: 5",
         "f:1: name: \"5\" is not text, wanted: text; put it in quotes if it is meant so"},
        {"name: true",
         "f:1: name: \"true\" is not text, wanted: text; put it in quotes if it is meant so"},
        {"name: a b",
         "f:1: name: \"a b\" is not a name, allowed: at most 64 letters, digits, _, - and ."},
        {"name: forbidden", "f:1: is forbidden"},
        {"name: x\ncount: many", "f:2: count: \"many\" is not a whole number, allowed: 1 to 10"},
        {"name: x\ncount: \"5\"", "f:2: count: \"5\" is not a whole number, allowed: 1 to 10"},
        {"name: x\ncount: 0", "f:2: count: \"0\" is out of range, allowed: 1 to 10"},
        {"name: x\ncount: 11", "f:2: count: \"11\" is out of range, allowed: 1 to 10"},
        {"name: x\ncount: 1.5", "f:2: count: \"1.5\" is not a whole number, allowed: 1 to 10"},
        {"name: x\non: yes", "f:2: on: \"yes\" is not a boolean, allowed: true, false"},
        {"name: x\non: \"true\"", "f:2: on: \"true\" is not a boolean, allowed: true, false"},
        {"name: x\nwait: 10",
         "f:2: wait: \"10\" is not a duration, allowed: a whole number with ms, s, m, h or d, such "
         "as 500ms or 30d"},
        {"name: x\nwait: 2h", "f:2: wait: \"2h\" is out of range, allowed: 10ms to 1m"},
        {"name: x\nwait: 9ms", "f:2: wait: \"9ms\" is out of range, allowed: 10ms to 1m"},
        {"name: x\nbytes: 5KiB", "f:2: bytes: \"5KiB\" is out of range, allowed: 512 to 4KiB"},
        {"name: x\nbytes: big",
         "f:2: bytes: \"big\" is not a size, allowed: a whole number of bytes, or one with kB, MB, "
         "GB (powers of 1000) or KiB, MiB, GiB (powers of 1024)"},
        {"name: x\ncolour: gren",
         "f:2: colour: \"gren\" is unknown, did you mean green? allowed: red, green"},
        {"name: x\ncolour: white", "f:2: colour: \"white\" is for the sea; here: red, green"},
        {"name: x\ncolour: blue", "f:2: colour: \"blue\" is unknown, allowed: red, green"},
        {"name: x\nsecret: \"\"", "f:2: secret: is empty"},
        {"name: x\nwords: a", "f:2: words: is a single value, wanted: a list"},
        {"name: x\nwords: [a, b, c]", "f:2: words: has 3 entries, allowed: 0 to 2"},
        {"name: x\nwords: [a, [b]]", "f:2: words[1]: is a list, wanted: text"},
        {"name: x\nmap: [a]", "f:2: map: is a list, wanted: a map"},
        {"name: x\nmap: {a: b, c: d, e: f}", "f:2: map: has 3 entries, allowed: at most 2"},
        {"name: x\nmap:\n  a: 1",
         "f:3: map.a: \"1\" is not text, wanted: text; put it in quotes if it is meant so"},
        {"name: x\ninner: {word: far too long}", "f:2: inner.word: has 12 bytes, allowed: 1 to 8"},
        {"name: x\ninner:\n  x: 1", "f:3: inner.x: unknown key, allowed: word, wait"},
        {"name: x\nthreads: 9", "f:2: threads: \"9\" is out of range, allowed: 1 to 8"},
        {"name: x\none_or_more: {a: b}",
         "f:2: one_or_more: is a map, wanted: a single value or a list"},
        {"name: x\none_or_more: []", "f:2: one_or_more: has 0 entries, allowed: 1 to 10000"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.yaml);
        EXPECT_EQ(read(c.yaml).problems, c.wanted);
    }
}

TEST(Types, AllProblemsOfAFileAreNamedAtOnce) {
    EXPECT_EQ(read("count: 0\nwait: x\ninner: {wait: 1h}\n").problems,
              "f:1: name: is missing: What it is called.\n"
              "f:1: count: \"0\" is out of range, allowed: 1 to 10\n"
              "f:2: wait: \"x\" is not a duration, allowed: a whole number with ms, s, m, h or d, "
              "such as 500ms or 30d\n"
              "f:3: inner.wait: \"1h\" is out of range, allowed: 1ms to 10s");
}

TEST(Types, WhatAReferenceHoldsIsNeverShown) {
    for (const auto* key : {"name", "count", "on", "wait", "bytes", "colour"}) {
        SCOPED_TRACE(key);
        const auto outcome = read(std::string(key) + ": \"!${env:SECRET} \"\n");
        EXPECT_TRUE(outcome.problems.contains("${env:SECRET}")) << outcome.problems;
        EXPECT_FALSE(outcome.problems.contains("hunter2")) << outcome.problems;
    }
}

TEST(Types, ALiteralSecretIsReadButNoted) {
    const auto outcome = read("name: x\nsecret: hunter2");
    ASSERT_TRUE(outcome.sample);
    EXPECT_EQ(outcome.literal_secrets,
              "f:2: secret: a secret must not stand in the configuration itself, allowed: "
              "${env:NAME} or ${file:PATH}");
}

TEST(Types, WhatIsShownReadsBackAndMasksSecrets) {
    const std::string yaml =
        "name: x\ncount: 10\non: false\nwait: 1m\nbytes: 4KiB\ncolour: green\nfile: "
        "/b.pem\nsecret: \"********\"\n"
        "words:\n  - a\n  - \"1\"\nmap:\n  k: v\ninner:\n  word: w\n  wait: 10ms\nthreads: "
        "auto\none_or_more: p\n";
    const auto outcome = read(yaml);
    ASSERT_TRUE(outcome.sample) << outcome.problems;
    EXPECT_EQ(write_yaml(sample_type().show(*outcome.sample)), yaml);
}

TEST(Schema, DescribesWhatTheTypesRead) {
    const auto shape = sample_type().shape();
    const auto paths = key_paths(shape);
    EXPECT_EQ(paths,
              (std::vector<std::string>{"name", "count", "on", "wait", "bytes", "colour", "file",
                                        "secret", "words", "map", "inner", "inner.word",
                                        "inner.wait", "threads", "one_or_more"}));
    const auto schema = json_schema(shape, "sample \"file\"");
    for (const auto* piece :
         {R"("$schema": "https://json-schema.org/draft/2020-12/schema")",
          R"("title": "sample \"file\"")", R"("additionalProperties": false, "required": ["name"])",
          R"({"type": "integer", "minimum": 1, "maximum": 10})", R"({"enum": ["red", "green"]})",
          R"("type": "array", "maxItems": 2, "items": {"type": "string"})", R"("writeOnly": true)",
          R"({"enum": ["auto"]})"}) {
        EXPECT_TRUE(schema.contains(piece)) << piece << "\nin\n" << schema;
    }
}

TEST(Schema, TakesAChoiceThatIsANumberWithAndWithoutQuotes) {
    const auto shape = choice<Colour>({{"red", Colour::red}, {"502", Colour::green}}).shape();
    const auto schema = json_schema(shape, "x");
    EXPECT_TRUE(schema.contains(R"({"enum": ["red", "502", 502]})")) << schema;
}

}  // namespace
}  // namespace gh::config
