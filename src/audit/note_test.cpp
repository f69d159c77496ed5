#include "audit/note.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "codec/base64.hpp"

namespace gh::audit {
namespace {

using namespace std::string_literals;

// The example in the documentation of Go's golang.org/x/mod/sumdb/note.
constexpr std::string_view example_text =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
constexpr std::string_view example_key =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view example_seed = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
constexpr std::string_view example_signature =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR"
    "Zb6KE6RyyBwJnAM=\n";
constexpr std::string_view second_key =
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
constexpr std::string_view second_signature =
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33"
    "WWd1RvMc+QQ=\n";

std::string example() { return std::string(example_text) + '\n' + std::string(example_signature); }

NoteVerifier key_of(std::string_view text) { return NoteVerifier::parse(text).value(); }

NoteSigner new_signer(std::string name) {
    return NoteSigner::of(std::move(name), crypto::PrivateKey::generate(crypto::KeyKind::ed25519))
        .value();
}

std::string_view reason_of(const auto& result) { return result ? "" : result.error().reason; }

TEST(Note, SignsByteForByteAsGoDoes) {
    const auto raw = codec::decode_base64(example_seed).value();
    auto key = crypto::PrivateKey::from_ed25519(crypto::Secret(raw)).value();
    const auto signer = NoteSigner::of("PeterNeumann", std::move(key)).value();
    EXPECT_EQ(signer.verifier().text(), example_key);
    EXPECT_EQ(sign_note(std::string(example_text), signer).value(), example());
}

TEST(Note, OpensWhatGoSigned) {
    const auto message = example() + std::string(second_signature);
    const NoteVerifier keys[] = {key_of(example_key), key_of(second_key)};
    const auto note = open_note(message, keys).value();
    EXPECT_EQ(note.text, example_text);
    ASSERT_EQ(note.signatures.size(), 2U);
    EXPECT_EQ(note.signatures[0].name, "PeterNeumann");
    EXPECT_EQ(note.signatures[0].key_id, 0xc74f20a3U);
    EXPECT_EQ(note.signatures[0].bytes.size(), 64U);
    EXPECT_EQ(format_note(note).value(), message);
    // One known key of the two is enough; none is not.
    EXPECT_TRUE(open_note(message, std::span(keys).first(1)));
    EXPECT_TRUE(open_note(message, std::span(keys).last(1)));
    EXPECT_EQ(reason_of(open_note(message, {})), "note.unsigned");
}

TEST(Note, EveryFlippedBitIsRefused) {
    const NoteVerifier keys[] = {key_of(example_key)};
    auto message = example();
    ASSERT_TRUE(open_note(message, keys));
    for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
        const auto flip = static_cast<char>(1 << bit % 8);
        message[bit / 8] = static_cast<char>(message[bit / 8] ^ flip);
        EXPECT_FALSE(open_note(message, keys)) << "bit " << bit;
        message[bit / 8] = static_cast<char>(message[bit / 8] ^ flip);
    }
}

TEST(Note, EveryCutNoteIsRefused) {
    const NoteVerifier keys[] = {key_of(example_key)};
    const auto message = example();
    for (std::size_t size = 0; size < message.size(); ++size) {
        EXPECT_FALSE(open_note(std::string_view(message).substr(0, size), keys)) << size;
    }
    EXPECT_EQ(reason_of(parse_note(message + "x")), "note.malformed");
    EXPECT_EQ(reason_of(parse_note(message + "\n")), "note.malformed");
}

TEST(Note, AWrongSignatureOfAKnownKeySpoilsTheNote) {
    const auto good = new_signer("log"), other = new_signer("witness");
    const std::string text = "text\n";
    auto wrong = other.sign("another text\n");
    const auto message =
        format_note({.text = text, .signatures = {good.sign(text), wrong}}).value();
    const NoteVerifier both[] = {good.verifier(), other.verifier()};
    EXPECT_EQ(reason_of(open_note(message, both)), "note.signature");
    EXPECT_TRUE(open_note(message, std::span(both).first(1)));
    // Also when a right one of the same key stands before it.
    const auto twice = format_note({.text = text, .signatures = {other.sign(text), wrong}}).value();
    EXPECT_EQ(reason_of(open_note(twice, both)), "note.signature");
}

TEST(Note, AKeyOfTheSameNameIsAnotherKey) {
    const auto ours = new_signer("log"), theirs = new_signer("log");
    const auto message = sign_note("text\n", theirs).value();
    const NoteVerifier keys[] = {ours.verifier()};
    EXPECT_EQ(reason_of(open_note(message, keys)), "note.unsigned");
    // Nor does it help to claim the other's id.
    auto note = parse_note(message).value();
    note.signatures[0].key_id = ours.verifier().id();
    EXPECT_EQ(reason_of(open_note(format_note(note).value(), keys)), "note.signature");
}

TEST(Note, ASignatureOfAnotherKindIsCarriedAlong) {
    const auto signer = new_signer("log");
    const std::string text = "text\n";
    // C2SP's cosignatures have eight bytes of time before the signature.
    const NoteSignature cosignature{
        .name = "witness.example", .key_id = 7, .bytes = std::string(72, 'x')};
    const auto message =
        format_note({.text = text, .signatures = {signer.sign(text), cosignature}}).value();
    const NoteVerifier keys[] = {signer.verifier()};
    EXPECT_EQ(open_note(message, keys).value().signatures[1], cosignature);
}

TEST(Note, RefusesWhatIsNoNote) {
    const std::string line = std::string(example_signature);
    const std::pair<std::string, std::string_view> cases[] = {
        {"", "note.malformed"},
        {"text\n", "note.malformed"},
        {"text\n\n", "note.malformed"},
        {"text\n" + line, "note.malformed"},               // no empty line
        {"text\n\n" + line + "\n", "note.malformed"},      // nothing below the last one
        {"text\n\n" + line + "more\n", "note.malformed"},  // no signature
        {"te\rxt\n\n" + line, "note.malformed"},           // control characters
        {"te\txt\n\n" + line, "note.malformed"},
        {"te\0xt\n\n"s + line, "note.malformed"},
        {"te\xffxt\n\n" + line, "note.malformed"},          // no UTF-8
        {"te\xed\xa0\x80xt\n\n" + line, "note.malformed"},  // a surrogate
        {"text\n\n- log AAAAAAA=\n", "note.malformed"},     // another dash
        {"text\n\n—log AAAAAAA=\n", "note.malformed"},
        {"text\n\n— log\n", "note.malformed"},
        {"text\n\n— log \n", "note.malformed"},
        {"text\n\n—  AAAAAAA=\n", "note.malformed"},  // no name
        {"text\n\n— l+g AAAAAAA=\n", "note.malformed"},
        {"text\n\n— l\xc2\xa0g AAAAAAA=\n", "note.malformed"},  // a space that is not ASCII
        {"text\n\n— log AAAAAA==\n", "note.malformed"},         // an id alone
        {"text\n\n— log AAAAAAA\n", "note.malformed"},          // no padding
        {"text\n\n— log AAAAAAB=\n", "note.malformed"},         // bits that mean nothing
        {"text\n\n— log AAAAAAA= \n", "note.malformed"},
        {"text\n\n— log AAAAAAA=\n", ""},
        {"\n\n— log AAAAAAA=\n", ""},  // an empty line is a text
    };
    for (const auto& [message, reason] : cases) {
        const auto note = parse_note(message);
        EXPECT_EQ(reason_of(note), reason) << message;
        if (note) {
            EXPECT_EQ(format_note(*note).value(), message);
        }
    }
}

TEST(Note, HasNoMoreThanItsLimits) {
    const auto with_text = [](std::size_t bytes) {
        return Note{.text = std::string(bytes - 1, 'x') + '\n',
                    .signatures = {{.name = "a", .key_id = 1, .bytes = "12"}}};
    };
    const auto rest = format_note(with_text(1)).value().size() - 1;
    EXPECT_EQ(format_note(with_text(note_bytes_max - rest)).value().size(), note_bytes_max);
    EXPECT_EQ(reason_of(format_note(with_text(note_bytes_max - rest + 1))), "note.too_large");
    Note note{.text = "\n", .signatures = {}};
    EXPECT_EQ(reason_of(format_note(note)),
              "note.malformed");  // a note without a signature is none
    note.signatures.assign(note_signatures_max, {.name = "a", .key_id = 1, .bytes = "x"});
    EXPECT_TRUE(format_note(note));
    note.signatures.emplace_back(note.signatures[0]);
    EXPECT_EQ(reason_of(format_note(note)), "note.malformed");
}

TEST(Note, IsNotWrittenSoThatItReadsAsAnother) {
    const NoteSignature good{.name = "a", .key_id = 1, .bytes = "x"};
    EXPECT_FALSE(format_note({.text = "no newline", .signatures = {good}}));
    EXPECT_FALSE(format_note({.text = "", .signatures = {good}}));
    EXPECT_FALSE(
        format_note({.text = "a\n", .signatures = {{.name = "a b", .key_id = 1, .bytes = "x"}}}));
    EXPECT_FALSE(format_note(
        {.text = "a\n", .signatures = {{.name = "a\n\n— b", .key_id = 1, .bytes = "x"}}}));
    EXPECT_FALSE(
        format_note({.text = "a\n", .signatures = {{.name = "a", .key_id = 1, .bytes = ""}}}));
    // A text may hold lines that look like signatures; only those below the last empty line are.
    const Note nested{.text = "a\n\n— b AAAAAAA=\n", .signatures = {good}};
    EXPECT_EQ(parse_note(format_note(nested).value()).value(), nested);
}

TEST(NoteName, HasNeitherSpacesNorPlus) {
    EXPECT_TRUE(is_note_name("gatehouse.example.com/audit"));
    EXPECT_TRUE(is_note_name("prüfprotokoll"));
    EXPECT_TRUE(is_note_name(std::string(note_name_bytes_max, 'x')));
    EXPECT_FALSE(is_note_name(std::string(note_name_bytes_max + 1, 'x')));
    for (const auto* name :
         {"", "a b", "a+b", "a\tb", "a\nb", "a\x7f", "a\xff", "\xc2\x85", "\xc2\xa0",
          "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x85", "\xe2\x80\x8a", "\xe2\x80\xa8",
          "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"}) {
        EXPECT_FALSE(is_note_name(name)) << name;
    }
    EXPECT_TRUE(is_note_name("\xe2\x80\x8b"));  // a zero-width space is none to Unicode, nor to Go
}

TEST(NoteVerifier, RefusesKeysThatAreNone) {
    const std::string key(example_key);
    const auto base64 = key.substr(key.rfind('+') + 1);
    const std::pair<std::string, std::string_view> cases[] = {
        {"", "note.key_malformed"},
        {"PeterNeumann", "note.key_malformed"},
        {"PeterNeumann+c74f20a3", "note.key_malformed"},
        {"PeterNeumann+c74f20a3+", "note.key_malformed"},
        {"+c74f20a3+" + base64, "note.key_malformed"},
        {"Peter Neumann+c74f20a3+" + base64, "note.key_malformed"},
        {"PeterNeumann+c74f20a3+!" + base64, "note.key_malformed"},
        {"PeterNeumann+c74f20a3+" + base64.substr(0, 40), "note.key_malformed"},
        {"PeterNeumann+c74f20a3+" + std::string(2000, 'A'), "note.key_malformed"},
        {"PeterNeumann+c74f20a4+" + base64, "note.key_id"},
        {"PeterNeumann+C74F20A3+" + base64, "note.key_id"},
        {"PeterNeumann+74f20a3+" + base64, "note.key_id"},
        {"PeterNeumann++" + base64, "note.key_id"},
        {"PeterNeuman+c74f20a3+" + base64, "note.key_id"},
        {"PeterNeumann+c74f20a3+" + codec::encode_base64("\x02"s + std::string(32, 'x')),
         "note.key_unsupported"},
        {key, ""},
    };
    for (const auto& [text, reason] : cases) {
        EXPECT_EQ(reason_of(NoteVerifier::parse(text)), reason) << text;
    }
    EXPECT_EQ(key_of(key).name(), "PeterNeumann");
    EXPECT_EQ(key_of(key).text(), key);
}

TEST(NoteSigner, WantsAnEd25519KeyAndAName) {
    using crypto::KeyKind;
    using crypto::PrivateKey;
    EXPECT_EQ(reason_of(NoteSigner::of("log", PrivateKey::generate(KeyKind::ec_p256))),
              "key.unsupported");
    EXPECT_EQ(reason_of(NoteSigner::of("my log", PrivateKey::generate(KeyKind::ed25519))),
              "note.name");
}

}  // namespace
}  // namespace gh::audit
