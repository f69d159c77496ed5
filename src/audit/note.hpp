#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/private_key.hpp"
#include "crypto/public_key.hpp"

/// Signed notes as Go's golang.org/x/mod/sumdb/note and C2SP's signed-note have them: a text, an empty line, and lines of
/// signatures. Ed25519 only; lines of other kinds and of keys that nobody asked for are carried along unjudged.
namespace gh::audit {

inline constexpr std::size_t note_bytes_max = 1'000'000;
inline constexpr std::size_t note_signatures_max = 100;
inline constexpr std::size_t note_name_bytes_max = 256;

/// A key's name: UTF-8 without control characters, Unicode spaces and '+', 1 to 256 bytes.
[[nodiscard]] bool is_note_name(std::string_view name);

/// "— <name> <base64 of key_id, four bytes big-endian, and bytes>".
struct NoteSignature {
    std::string name;
    std::uint32_t key_id = 0;
    std::string bytes;
    friend bool operator==(const NoteSignature&, const NoteSignature&) = default;
};

struct Note {
    std::string text;  ///< ends with a newline; this is what is signed
    std::vector<NoteSignature> signatures;
    friend bool operator==(const Note&, const Note&) = default;
};

/// A key that checks notes, with the name that it signs under.
class NoteVerifier {
 public:
    /// @return `invalid_argument` "note.name", or "key.unsupported" for a key that is not Ed25519
    [[nodiscard]] static Result<NoteVerifier> of(std::string name, crypto::PublicKey key);
    /// "<name>+<id, 8 lower-case hex digits>+<base64 of 0x01 and the key>".
    /// @return `invalid_argument` "note.key_malformed", "note.key_unsupported" (another algorithm) or "note.key_id" (the
    ///         id belongs to another name or key)
    [[nodiscard]] static Result<NoteVerifier> parse(std::string_view text);

    [[nodiscard]] std::string_view name() const { return name_; }
    /// First four bytes of SHA-256(name, 0x0a, 0x01, key).
    [[nodiscard]] std::uint32_t id() const { return id_; }
    /// What parse() reads.
    [[nodiscard]] const std::string& text() const { return text_; }
    /// Is this signature, of this name and id, right?
    [[nodiscard]] bool verify(std::string_view text, const NoteSignature& signature) const;

 private:
    NoteVerifier(std::string name, crypto::PublicKey key, std::string_view algorithm_and_key);

    std::string name_;
    crypto::PublicKey key_;
    std::uint32_t id_;
    std::string text_;
};

class NoteSigner {
 public:
    /// @return as NoteVerifier::of()
    [[nodiscard]] static Result<NoteSigner> of(std::string name, crypto::PrivateKey key);

    [[nodiscard]] const NoteVerifier& verifier() const { return verifier_; }
    [[nodiscard]] NoteSignature sign(std::string_view text) const;

 private:
    NoteSigner(NoteVerifier verifier, crypto::PrivateKey key)
        : verifier_(std::move(verifier)), key_(std::move(key)) {}

    NoteVerifier verifier_;
    crypto::PrivateKey key_;
};

/// Strict: the bytes it takes are those that format_note() writes for its answer. No signature is judged.
/// @return `invalid_argument` "note.too_large" or "note.malformed"
[[nodiscard]] Result<Note> parse_note(std::string_view message);

/// @return `invalid_argument` "note.too_large", or "note.malformed" for what parse_note() would not take: no signature, a
///         text that does not end with a newline, control characters, ...
[[nodiscard]] Result<std::string> format_note(const Note& note);

/// The note of this text with one signature.
/// @return as format_note()
[[nodiscard]] Result<std::string> sign_note(std::string text, const NoteSigner& signer);

/// A note that at least one of `known` has signed. Every signature that claims to be of one of them must be right.
/// @return `invalid_argument` as parse_note(); `unauthenticated` "note.signature" (one is wrong) or "note.unsigned" (none
///         is of a known key)
[[nodiscard]] Result<Note> open_note(std::string_view message, std::span<const NoteVerifier> known);

}  // namespace gh::audit
