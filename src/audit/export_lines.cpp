#include "audit/export_lines.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "telemetry/json_text.hpp"

namespace gh::audit {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    telemetry::append_json_text(out, text);
    return out + '"';
}

std::string list_of(std::span<const Hash> hashes) {
    std::string out = "[";
    for (std::string_view comma; const auto& hash : hashes) {
        out += std::exchange(comma, ",");
        out += quoted(codec::encode_base64(crypto::text_of(hash)));
    }
    return out + ']';
}

std::string head_line(std::string_view origin, std::string_view verifier_key) {
    return "{\"gatehouse_audit_export\":1,\"origin\":" + quoted(origin) +
           ",\"verifier_key\":" + quoted(verifier_key) + "}\n";
}

// --- reading: the members; that they were written so is judged by writing them again ---

constexpr std::string_view record_word = ",\"record\":";

std::unexpected<Error> malformed() {
    return fail(ErrorKind::invalid_argument, "audit.export_malformed");
}

Result<Proof> read_hashes(const codec::json::Value& line, std::string_view name) {
    const auto* member = line.find(name);
    const auto* texts = member ? member->array() : nullptr;
    if (texts == nullptr || texts->size() > proof_hashes_max) return malformed();
    Proof proof;
    for (const auto& text : *texts) {
        const auto bytes =
            text.string() ? codec::decode_base64(*text.string()) : Result<std::string>(malformed());
        Hash hash;
        if (!bytes || bytes->size() != hash.size()) return malformed();
        std::ranges::copy(crypto::bytes_of(*bytes), hash.begin());
        proof.push_back(hash);
    }
    return proof;
}

Result<ExportLine> read_record(std::string_view line) {
    // The first one: no hash in base64 holds it.
    const auto at = line.find(record_word);
    if (at == line.npos || !line.ends_with('}')) return malformed();
    const auto begin = at + record_word.size();
    const auto front = codec::json::parse(std::string(line.substr(0, at)) + '}');
    const auto* number = front ? front->find("index") : nullptr;
    const auto index = number ? number->integer() : std::nullopt;
    if (!index || *index < 0) return malformed();
    GH_TRY(auto inclusion, read_hashes(*front, "inclusion"));
    return ExportedRecord{.index = static_cast<std::uint64_t>(*index),
                          .inclusion = std::move(inclusion),
                          .record = std::string(line.substr(begin, line.size() - begin - 1))};
}

Result<ExportLine> read_line(std::string_view line) {
    if (line.starts_with("{\"index\":")) return read_record(line);
    const auto value = codec::json::parse(line, {.bytes_max = export_line_bytes_max});
    if (!value) return malformed();
    if (const auto* note = value->find_string("checkpoint")) {
        GH_TRY(auto consistency, read_hashes(*value, "consistency"));
        return ExportedCheckpoint{.note = *note, .consistency = std::move(consistency)};
    }
    const auto* origin = value->find_string("origin");
    const auto* key = value->find_string("verifier_key");
    if (origin == nullptr || key == nullptr) return malformed();
    return ExportedHead{.origin = *origin, .verifier_key = *key};
}

struct WriteAgain {
    std::string operator()(const ExportedHead& head) const {
        return head_line(head.origin, head.verifier_key);
    }
    std::string operator()(const ExportedCheckpoint& checkpoint) const {
        return export_checkpoint(checkpoint.note, checkpoint.consistency);
    }
    std::string operator()(const ExportedRecord& record) const {
        return export_record(record.index, record.inclusion, record.record);
    }
};

}  // namespace

Result<ExportLine> parse_export_line(std::string_view line) {
    if (line.size() > export_line_bytes_max || line.contains('\n')) return malformed();
    GH_TRY(auto read, read_line(line));
    auto again = std::visit(WriteAgain{}, read);
    again.pop_back();
    if (again != line) return malformed();
    return read;
}

std::string export_head(const NoteVerifier& log) { return head_line(log.name(), log.text()); }

std::string export_checkpoint(std::string_view note, std::span<const Hash> consistency) {
    return "{\"checkpoint\":" + quoted(note) + ",\"consistency\":" + list_of(consistency) + "}\n";
}

std::string export_record(std::uint64_t index, std::span<const Hash> inclusion,
                          std::string_view record) {
    return "{\"index\":" + std::to_string(index) + ",\"inclusion\":" + list_of(inclusion) +
           ",\"record\":" + std::string(record) + "}\n";
}

}  // namespace gh::audit
