#include "codec/entity_tag.hpp"

#include <gtest/gtest.h>

namespace gh::codec {
namespace {

std::string read(std::string_view value) {
    EntityTags tags;
    if (const auto done = parse_entity_tags(value, tags); !done)
        return std::string(done.error().reason);
    std::string text = tags.any ? "any" : "";
    for (const auto& tag : tags.tags) text += (tag.weak ? "W" : "S") + std::string(tag.opaque);
    return text;
}

TEST(EntityTags, AreReadAsRfc9110WritesThem) {
    struct Case {
        std::string_view value, tags;
    };
    constexpr Case cases[] = {
        {R"("xyzzy")", R"(S"xyzzy")"},
        {R"("xyzzy", "r2d2xxxx", W/"c3")", R"(S"xyzzy"S"r2d2xxxx"W"c3")"},
        {R"("")", R"(S"")"},
        {R"("a,b" ,, "c")", R"(S"a,b"S"c")"},
        {"*", "any"},
        {" * ", "any"},
        {"", ""},
        {" , ", ""},
        {R"("a\b")", R"(S"a\b")"},
        {R"("a" "b")", "etag.malformed"},
        {R"("a""b")", "etag.malformed"},
        {R"(w/"a")", "etag.malformed"},
        {R"("a)", "etag.malformed"},
        {R"("a b")", "etag.malformed"},
        {"a", "etag.malformed"},
        {R"(*, "a")", "etag.malformed"},
        {R"("a", *)", "etag.malformed"},
        {"*, *", "etag.malformed"},
    };
    for (const auto& c : cases) EXPECT_EQ(read(c.value), c.tags) << c.value;
}

TEST(EntityTags, AddUpOverTheLinesOfAFieldAndAreBounded) {
    EntityTags tags;
    for (std::size_t i = 0; i < entity_tags_max; ++i)
        ASSERT_TRUE(parse_entity_tags(R"("a")", tags));
    EXPECT_EQ(parse_entity_tags(R"("a")", tags).error().reason, "etag.too_many");
}

TEST(EntityTags, AreComparedStronglyAndWeakly) {
    EntityTags tags;
    ASSERT_TRUE(parse_entity_tags(R"("1", W/"2")", tags));
    EXPECT_TRUE(tags.holds_strongly(R"("1")"));
    EXPECT_FALSE(tags.holds_strongly(R"("2")"));
    EXPECT_TRUE(tags.holds_weakly(R"("2")"));
    EXPECT_FALSE(tags.holds_weakly(R"("3")"));
}

}  // namespace
}  // namespace gh::codec
