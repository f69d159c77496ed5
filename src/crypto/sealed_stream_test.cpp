#include "crypto/sealed_stream.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gh::crypto {
namespace {

constexpr auto chunk = SealedStream::chunk_bytes;
constexpr auto sealed_chunk = SealedStream::sealed_chunk_bytes;

Secret passphrase() { return Secret("correct horse"); }

/// Sealed as a writer would: header and chunks.
std::string seal(std::string_view text) {
    auto stream = SealedStream::make(passphrase());
    std::string out = stream->header();
    while (text.size() > chunk) {
        stream->seal(text.substr(0, chunk), false, out);
        text.remove_prefix(chunk);
    }
    stream->seal(text, true, out);
    return out;
}

Result<std::string> open(std::string_view sealed, const Secret& with = passphrase()) {
    auto stream = SealedStream::of_header(sealed.substr(0, SealedStream::header_bytes), with);
    if (!stream) return std::unexpected(stream.error());
    sealed.remove_prefix(SealedStream::header_bytes);
    std::string text;
    for (bool last = false; !last;) {
        const auto size = std::min(sealed.size(), sealed_chunk);
        last = size == sealed.size();
        if (auto opened = stream->open(sealed.substr(0, size), last, text); !opened)
            return std::unexpected(opened.error());
        sealed.remove_prefix(size);
    }
    return text;
}

std::string long_text() {
    std::string text;
    while (text.size() < 2 * chunk + 1000) text += std::to_string(text.size()) + ",";
    return text;
}

TEST(SealedStream, GivesBackWhatWasSealed) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, chunk - 1, chunk, chunk + 1}) {
        const std::string text(size, 'x');
        const auto sealed = seal(text);
        EXPECT_EQ(open(sealed), text) << size;
        EXPECT_FALSE(sealed.contains("xxxxxxxx"));
    }
    EXPECT_EQ(open(seal(long_text())), long_text());
}

TEST(SealedStream, IsAnotherEachTime) { EXPECT_NE(seal("same"), seal("same")); }

TEST(SealedStream, RefusesAnotherPassphrase) {
    const auto opened = open(seal("text"), Secret("correct horsf"));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, "sealed.chunk");
    EXPECT_EQ(SealedStream::make(Secret()).error().reason, "sealed.passphrase");
    EXPECT_EQ(SealedStream::make(Secret(std::string(1025, 'x'))).error().reason,
              "sealed.passphrase");
}

TEST(SealedStream, NoticesWhatWasDoneToItsChunks) {
    const auto sealed = seal(long_text());
    const auto header = sealed.substr(0, SealedStream::header_bytes);
    const auto at = [&](std::size_t i) {
        return sealed.substr(header.size() + i * sealed_chunk, sealed_chunk);
    };
    auto flipped = sealed;
    flipped[header.size() + sealed_chunk + 17] ^= 1;
    auto tag_flipped = sealed;
    tag_flipped.back() ^= 1;
    auto other_salt = sealed;
    other_salt[header.size() - 1] ^= 1;
    const struct {
        std::string_view what;
        std::string text;
    } cases[] = {{"a flipped bit", flipped},
                 {"a flipped bit of a tag", tag_flipped},
                 {"another salt", other_salt},
                 {"swapped", header + at(1) + at(0) + at(2)},
                 {"repeated", header + at(0) + at(0) + at(1) + at(2)},
                 {"one left out", header + at(0) + at(2)},
                 {"the last left out", header + at(0) + at(1)},
                 {"cut inside the last", header + at(0) + at(1) + at(2).substr(0, 900)},
                 {"more behind the end", sealed + "x"},
                 {"nothing but the header", header}};
    for (const auto& each : cases) {
        const auto opened = open(each.text);
        ASSERT_FALSE(opened) << each.what;
        EXPECT_EQ(opened.error().reason, "sealed.chunk") << each.what;
    }
}

TEST(SealedStream, PaysNoMoreForAKeyThanIsBearable) {
    const auto sealed = seal("x");
    const auto with = [&](std::size_t at, std::string_view octets) {
        auto text = sealed.substr(0, SealedStream::header_bytes);
        return text.replace(SealedStream::magic.size() + at, octets.size(), octets);
    };
    const std::string_view much("\x7f\0\0\0", 4), none("\0\0\0\0", 4);
    for (const auto& header : {with(0, much), with(4, much), with(8, much), with(0, none),
                               with(4, none), with(8, none), std::string("gatehouse-sealed-1\n")}) {
        const auto opened = SealedStream::of_header(header, passphrase());
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().reason, "sealed.header");
    }
}

}  // namespace
}  // namespace gh::crypto
