// Signed notes, checkpoints and verifier keys from strangers. What is taken is written again as it was.

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "audit/checkpoint.hpp"
#include "audit/note.hpp"

namespace {

using namespace gh;

void demand(bool holds) {
    if (!holds) std::abort();
}

void check_checkpoint(std::string_view text) {
    const auto checkpoint = audit::parse_checkpoint(text);
    if (!checkpoint) return;
    demand(checkpoint->size <= audit::tree_size_max);
    demand(audit::format_checkpoint(*checkpoint).value() == text);
}

void check_note(std::string_view message) {
    const auto note = audit::parse_note(message);
    // The key of the example in Go's documentation: a seed holds a note that it signed.
    static const auto key =
        audit::NoteVerifier::parse(
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
            .value();
    const auto opened = audit::open_note(message, std::span(&key, 1));
    if (!note) {
        demand(!opened);
        return;
    }
    demand(!note->signatures.empty() && note->signatures.size() <= audit::note_signatures_max);
    demand(note->text.ends_with('\n'));
    demand(audit::format_note(*note).value() == message);
    if (opened) demand(*opened == *note);
    check_checkpoint(note->text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check_note(input);
    check_checkpoint(input);
    if (const auto key = audit::NoteVerifier::parse(input)) {
        demand(key->text() == input && audit::is_note_name(key->name()));
    }
    return 0;
}
