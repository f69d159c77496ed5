#include "audit/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "telemetry/timestamp.hpp"

namespace gh::audit {
namespace {

constexpr std::string_view time_word = "time ";

std::unexpected<Error> malformed(std::string detail) {
    return fail(ErrorKind::invalid_argument, "checkpoint.malformed", std::move(detail));
}

/// Up to the next newline, which `text` loses too; nothing when there is none.
std::optional<std::string_view> take_line(std::string_view& text) {
    const auto end = text.find('\n');
    if (end == text.npos) return std::nullopt;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

/// Decimal as we write it: no sign, no leading zero.
std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc{} || end != text.data() + text.size() || size > tree_size_max ||
        (text.size() > 1 && text.front() == '0')) {
        return std::nullopt;
    }
    return size;
}

std::optional<Hash> parse_root(std::string_view text) {
    const auto bytes = codec::decode_base64(text);
    Hash root;
    if (!bytes || bytes->size() != root.size()) return std::nullopt;
    std::ranges::copy(crypto::bytes_of(*bytes), root.begin());
    return root;
}

Result<void> read_extensions(std::string_view text, Checkpoint& into) {
    if (text.starts_with(time_word)) {
        const auto line = take_line(text);
        into.time =
            line ? telemetry::parse_timestamp(line->substr(time_word.size())) : std::nullopt;
        if (!into.time) return malformed("the time is none");
    }
    while (!text.empty()) {
        const auto line = take_line(text);
        if (!line || line->empty() || into.extensions.size() == checkpoint_extensions_max) {
            return malformed("extensions are at most 16 lines, none of them empty");
        }
        into.extensions.emplace_back(*line);
    }
    return {};
}

}  // namespace

Result<Checkpoint> parse_checkpoint(std::string_view text) {
    const auto origin = take_line(text);
    if (!origin || !is_note_name(*origin)) return malformed("the first line names the log");
    const auto size = parse_size(take_line(text).value_or(""));
    if (!size) return malformed("the second line is the size in decimal");
    const auto root = parse_root(take_line(text).value_or(""));
    if (!root) return malformed("the third line is the root, 32 bytes in base64");
    Checkpoint checkpoint{
        .origin = std::string(*origin), .size = *size, .root = *root, .time = {}, .extensions = {}};
    GH_TRY_VOID(read_extensions(text, checkpoint));
    return checkpoint;
}

Result<std::string> format_checkpoint(const Checkpoint& checkpoint) {
    std::string text = checkpoint.origin + '\n' + std::to_string(checkpoint.size) + '\n' +
                       codec::encode_base64(crypto::text_of(checkpoint.root)) + '\n';
    if (checkpoint.time) text.append(time_word) += telemetry::timestamp(*checkpoint.time) + '\n';
    for (const auto& line : checkpoint.extensions) text += line + '\n';
    GH_TRY(const auto read, parse_checkpoint(text));
    // The time is written to the millisecond, so it need not come back as it went.
    if (read.origin != checkpoint.origin || read.extensions != checkpoint.extensions ||
        read.time.has_value() != checkpoint.time.has_value()) {
        return malformed("a line of the checkpoint reads as another");
    }
    return text;
}

Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const NoteSigner& signer) {
    if (checkpoint.origin != signer.verifier().name()) {
        return fail(ErrorKind::invalid_argument, "checkpoint.origin",
                    "a log's checkpoints are signed by the key of its name");
    }
    GH_TRY(auto text, format_checkpoint(checkpoint));
    return sign_note(std::move(text), signer);
}

Result<Checkpoint> open_checkpoint(std::string_view message, const NoteVerifier& log) {
    GH_TRY(const auto note, open_note(message, std::span(&log, 1)));
    GH_TRY(auto checkpoint, parse_checkpoint(note.text));
    if (checkpoint.origin != log.name()) {
        return fail(ErrorKind::unauthenticated, "checkpoint.origin",
                    "signed by the key of one log, about another");
    }
    return checkpoint;
}

}  // namespace gh::audit
