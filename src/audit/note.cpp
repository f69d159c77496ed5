#include "audit/note.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/digest.hpp"
#include "telemetry/json_text.hpp"

namespace gh::audit {
namespace {

constexpr char ed25519_algorithm = '\x01';
constexpr std::size_t key_text_bytes_max = note_name_bytes_max + 64;
constexpr std::string_view dash = "\xe2\x80\x94 ";  // U+2014 and a space

std::unexpected<Error> malformed(std::string detail) {
    return fail(ErrorKind::invalid_argument, "note.malformed", std::move(detail));
}

/// Unicode's White_Space beyond ASCII (PropList.txt), as UTF-8.
bool is_wide_space(std::string_view character) {
    constexpr std::string_view few[] = {
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
    };
    return std::ranges::find(few, character) != std::end(few) ||
           (character >= "\xe2\x80\x80" && character <= "\xe2\x80\x8a");
}

/// UTF-8 of which `allowed` says yes to every character.
template <class Allowed>
bool all_characters(std::string_view text, Allowed allowed) {
    while (!text.empty()) {
        const auto sequence = telemetry::utf8_sequence(text);
        if (sequence.length == 0 || !allowed(text.substr(0, sequence.length))) return false;
        text.remove_prefix(sequence.length);
    }
    return true;
}

bool is_note_character(std::string_view character) {
    return static_cast<unsigned char>(character[0]) >= ' ' || character[0] == '\n';
}

std::uint32_t big_endian(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

std::string bytes_of(std::uint32_t value) {
    std::string bytes(4, '\0');
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(value >> (24 - 8 * i));
    return bytes;
}

Result<NoteSignature> parse_signature(std::string_view line) {
    if (!line.starts_with(dash)) return malformed("a signature line begins with a long dash");
    line.remove_prefix(dash.size());
    const auto space = line.find(' ');
    if (space == line.npos || !is_note_name(line.substr(0, space))) {
        return malformed("a signature line names its key");
    }
    const auto bytes = codec::decode_base64(line.substr(space + 1));
    if (!bytes || bytes->size() < 5)
        return malformed("a signature is the base64 of a key's id and more");
    return NoteSignature{.name = std::string(line.substr(0, space)),
                         .key_id = big_endian(*bytes),
                         .bytes = bytes->substr(4)};
}

}  // namespace

bool is_note_name(std::string_view name) {
    return !name.empty() && name.size() <= note_name_bytes_max &&
           all_characters(name, [](std::string_view character) {
               return static_cast<unsigned char>(character[0]) > ' ' && character[0] != '+' &&
                      character[0] != '\x7f' && !is_wide_space(character);
           });
}

NoteVerifier::NoteVerifier(std::string name, crypto::PublicKey key,
                           std::string_view algorithm_and_key)
    : name_(std::move(name)), key_(std::move(key)) {
    const auto digest = crypto::sha256(name_ + '\n' + std::string(algorithm_and_key));
    const auto id = crypto::text_of(crypto::Bytes(digest).first(4));
    id_ = big_endian(id);
    text_ = name_ + '+' + codec::encode_hex(id) + '+' + codec::encode_base64(algorithm_and_key);
}

Result<NoteVerifier> NoteVerifier::of(std::string name, crypto::PublicKey key) {
    if (!is_note_name(name)) {
        return fail(ErrorKind::invalid_argument, "note.name",
                    "a name is 1 to 256 bytes of UTF-8 without spaces, control characters and '+'");
    }
    GH_TRY(const auto raw, key.ed25519_bytes());
    const auto bytes = ed25519_algorithm + std::string(crypto::text_of(raw));
    return NoteVerifier(std::move(name), std::move(key), bytes);
}

Result<NoteVerifier> NoteVerifier::parse(std::string_view text) {
    const auto refuse = [](std::string_view reason, std::string detail) {
        return fail(ErrorKind::invalid_argument, reason, std::move(detail));
    };
    const auto first = text.find('+');
    const auto second = first == text.npos ? first : text.find('+', first + 1);
    if (text.size() > key_text_bytes_max || second == text.npos ||
        !is_note_name(text.substr(0, first))) {
        return refuse("note.key_malformed", "a key is written as name+id+base64");
    }
    const auto bytes = codec::decode_base64(text.substr(second + 1));
    if (!bytes || bytes->empty()) return refuse("note.key_malformed", "the key is not base64");
    if (bytes->front() != ed25519_algorithm) {
        return refuse("note.key_unsupported", "only Ed25519 keys (algorithm 1) are known");
    }
    const auto key =
        crypto::PublicKey::from_ed25519(crypto::bytes_of(std::string_view(*bytes).substr(1)));
    if (!key) return refuse("note.key_malformed", key.error().detail);
    NoteVerifier verifier(std::string(text.substr(0, first)), *key, *bytes);
    if (verifier.text_ != text) {
        return refuse("note.key_id", "the id does not belong to this name and key");
    }
    return verifier;
}

bool NoteVerifier::verify(std::string_view text, const NoteSignature& signature) const {
    return signature.name == name_ && signature.key_id == id_ &&
           key_.verify(crypto::SignatureAlgorithm::eddsa, crypto::bytes_of(text),
                       crypto::bytes_of(signature.bytes));
}

Result<NoteSigner> NoteSigner::of(std::string name, crypto::PrivateKey key) {
    GH_TRY(auto verifier, NoteVerifier::of(std::move(name), key.public_key()));
    return NoteSigner(std::move(verifier), std::move(key));
}

NoteSignature NoteSigner::sign(std::string_view text) const {
    const auto bytes = key_.sign(crypto::SignatureAlgorithm::eddsa, crypto::bytes_of(text));
    return {.name = std::string(verifier_.name()),
            .key_id = verifier_.id(),
            .bytes = std::string(crypto::text_of(bytes.value()))};
}

Result<Note> parse_note(std::string_view message) {
    if (message.size() > note_bytes_max) {
        return fail(ErrorKind::invalid_argument, "note.too_large", "a note has at most 1 MB");
    }
    if (!all_characters(message, is_note_character)) {
        return malformed("a note is UTF-8 without control characters but newlines");
    }
    const auto split = message.rfind("\n\n");
    if (split == message.npos || !message.ends_with('\n') || split + 2 == message.size()) {
        return malformed("a note has an empty line, and lines of signatures below it");
    }
    Note note{.text = std::string(message.substr(0, split + 1)), .signatures = {}};
    auto rest = message.substr(split + 2);
    while (!rest.empty()) {
        if (note.signatures.size() == note_signatures_max) {
            return malformed("a note has at most 100 signatures");
        }
        const auto end = rest.find('\n');
        GH_TRY(auto signature, parse_signature(rest.substr(0, end)));
        note.signatures.push_back(std::move(signature));
        rest.remove_prefix(end + 1);
    }
    return note;
}

Result<std::string> format_note(const Note& note) {
    if (!note.text.ends_with('\n')) return malformed("the text of a note ends with a newline");
    auto message = note.text + '\n';
    for (const auto& signature : note.signatures) {
        message.append(dash).append(signature.name) += ' ';
        message += codec::encode_base64(bytes_of(signature.key_id) + signature.bytes) + '\n';
    }
    GH_TRY(const auto read, parse_note(message));
    if (read != note) return malformed("a name or a signature is none");
    return message;
}

Result<std::string> sign_note(std::string text, const NoteSigner& signer) {
    auto signature = signer.sign(text);
    return format_note({.text = std::move(text), .signatures = {std::move(signature)}});
}

Result<Note> open_note(std::string_view message, std::span<const NoteVerifier> known) {
    GH_TRY(auto note, parse_note(message));
    bool trusted = false;
    for (const auto& signature : note.signatures) {
        for (const auto& key : known) {
            if (key.name() != signature.name || key.id() != signature.key_id) continue;
            if (!key.verify(note.text, signature)) {
                return fail(ErrorKind::unauthenticated, "note.signature",
                            "the signature of " + key.text() + " is wrong");
            }
            trusted = true;
        }
    }
    if (!trusted) {
        return fail(ErrorKind::unauthenticated, "note.unsigned", "no signature is of a known key");
    }
    return note;
}

}  // namespace gh::audit
