#include "audit/checkpoint.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace gh::audit {
namespace {

constexpr std::string_view root_text = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";  // 1 to 32

Checkpoint sample() {
    Checkpoint checkpoint{.origin = "gatehouse.example.com/audit",
                          .size = 42,
                          .root = {},
                          .time = SystemTime(std::chrono::milliseconds(1'769'903'999'123)),
                          .extensions = {}};
    for (std::size_t i = 0; i < checkpoint.root.size(); ++i) {
        checkpoint.root[i] = static_cast<std::uint8_t>(i + 1);
    }
    return checkpoint;
}

NoteSigner signer(std::string name) {
    return NoteSigner::of(std::move(name), crypto::PrivateKey::generate(crypto::KeyKind::ed25519))
        .value();
}

std::string_view reason_of(const auto& result) { return result ? "" : result.error().reason; }

TEST(Checkpoint, HasItsLines) {
    auto checkpoint = sample();
    const auto head = "gatehouse.example.com/audit\n42\n" + std::string(root_text) + "\n";
    EXPECT_EQ(format_checkpoint(checkpoint).value(), head + "time 2026-01-31T23:59:59.123Z\n");
    EXPECT_EQ(parse_checkpoint(head + "time 2026-01-31T23:59:59.123Z\n").value(), checkpoint);
    checkpoint.extensions = {"witnessed by nobody", "2"};
    EXPECT_EQ(parse_checkpoint(format_checkpoint(checkpoint).value()).value(), checkpoint);
    checkpoint.time.reset();
    EXPECT_EQ(format_checkpoint(checkpoint).value(), head + "witnessed by nobody\n2\n");
    EXPECT_EQ(parse_checkpoint(head + "witnessed by nobody\n2\n").value(), checkpoint);
}

TEST(Checkpoint, RefusesWhatReadsAsAnother) {
    const std::string root(root_text);
    const std::pair<std::string, std::string_view> cases[] = {
        {"log\n0\n" + root + "\n", ""},
        {"log\n9223372036854775807\n" + root + "\n", ""},
        {"", "checkpoint.malformed"},
        {"log\n", "checkpoint.malformed"},
        {"log\n1\n", "checkpoint.malformed"},
        {"log\n1\n" + root, "checkpoint.malformed"},  // no newline
        {"\n1\n" + root + "\n", "checkpoint.malformed"},
        {"my log\n1\n" + root + "\n", "checkpoint.malformed"},
        {"log\n\n" + root + "\n", "checkpoint.malformed"},
        {"log\n01\n" + root + "\n", "checkpoint.malformed"},
        {"log\n+1\n" + root + "\n", "checkpoint.malformed"},
        {"log\n-1\n" + root + "\n", "checkpoint.malformed"},
        {"log\n1 \n" + root + "\n", "checkpoint.malformed"},
        {"log\n9223372036854775808\n" + root + "\n", "checkpoint.malformed"},
        {"log\n99999999999999999999\n" + root + "\n", "checkpoint.malformed"},
        {"log\n1\n" + root.substr(0, 40) + "\n", "checkpoint.malformed"},
        {"log\n1\n" + root.substr(0, 42) + "B=\n",
         "checkpoint.malformed"},                              // bits that mean nothing
        {"log\n1\n" + root + "\n\n", "checkpoint.malformed"},  // an empty extension
        {"log\n1\n" + root + "\nmore", "checkpoint.malformed"},
        {"log\n1\n" + root + "\ntime\n", ""},  // another extension than ours
        {"log\n1\n" + root + "\ntime \n", "checkpoint.malformed"},
        {"log\n1\n" + root + "\ntime 2026-01-31T23:59:59Z\n", "checkpoint.malformed"},
        {"log\n1\n" + root + "\ntime 2026-02-30T23:59:59.123Z\n", "checkpoint.malformed"},
    };
    for (const auto& [text, reason] : cases) {
        const auto checkpoint = parse_checkpoint(text);
        EXPECT_EQ(reason_of(checkpoint), reason) << text;
        if (checkpoint) {
            EXPECT_EQ(format_checkpoint(*checkpoint).value(), text);
        }
    }
}

TEST(Checkpoint, IsNotWrittenSoThatItReadsAsAnother) {
    using Change = void (*)(Checkpoint&);
    constexpr Change changes[] = {
        [](Checkpoint& c) { c.origin = ""; },
        [](Checkpoint& c) { c.origin = "log\n1"; },
        [](Checkpoint& c) { c.size = tree_size_max + 1; },
        [](Checkpoint& c) { c.extensions = {""}; },
        [](Checkpoint& c) { c.extensions = {"a\nb"}; },
        [](Checkpoint& c) {
            c.time.reset();
            c.extensions = {"time 2026-01-31T23:59:59.123Z"};
        },
        [](Checkpoint& c) { c.extensions.assign(checkpoint_extensions_max + 1, "x"); },
    };
    for (const auto change : changes) {
        auto checkpoint = sample();
        change(checkpoint);
        EXPECT_EQ(reason_of(format_checkpoint(checkpoint)), "checkpoint.malformed");
    }
    auto checkpoint = sample();
    checkpoint.extensions.assign(checkpoint_extensions_max, "x");
    EXPECT_TRUE(format_checkpoint(checkpoint));
    checkpoint.time = *checkpoint.time + std::chrono::nanoseconds(1);  // finer than is written
    EXPECT_TRUE(format_checkpoint(checkpoint));
}

TEST(Checkpoint, OpensWithTheKeyOfItsLogOnly) {
    const auto log = signer("gatehouse.example.com/audit"), other = signer("other.example/log");
    const auto checkpoint = sample();
    const auto message = sign_checkpoint(checkpoint, log).value();
    EXPECT_EQ(open_checkpoint(message, log.verifier()).value(), checkpoint);
    EXPECT_EQ(reason_of(open_checkpoint(message, other.verifier())), "note.unsigned");
    EXPECT_EQ(reason_of(sign_checkpoint(checkpoint, other)), "checkpoint.origin");
    // A key that is trusted for one log says nothing about another.
    const auto foreign = sign_note(format_checkpoint(checkpoint).value(), other).value();
    EXPECT_EQ(reason_of(open_checkpoint(foreign, other.verifier())), "checkpoint.origin");
    const auto no_checkpoint = sign_note("something else\n", log).value();
    EXPECT_EQ(reason_of(open_checkpoint(no_checkpoint, log.verifier())), "checkpoint.malformed");
}

TEST(Checkpoint, EveryFlippedBitIsRefused) {
    const auto log = signer("gatehouse.example.com/audit");
    auto message = sign_checkpoint(sample(), log).value();
    for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
        const auto flip = static_cast<char>(1 << bit % 8);
        message[bit / 8] = static_cast<char>(message[bit / 8] ^ flip);
        EXPECT_FALSE(open_checkpoint(message, log.verifier())) << "bit " << bit;
        message[bit / 8] = static_cast<char>(message[bit / 8] ^ flip);
    }
}

}  // namespace
}  // namespace gh::audit
