#include "audit/export_lines.hpp"

#include <utility>

#include "codec/base64.hpp"
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

}  // namespace

std::string export_head(const NoteVerifier& log) {
    return "{\"gatehouse_audit_export\":1,\"origin\":" + quoted(log.name()) +
           ",\"verifier_key\":" + quoted(log.text()) + "}\n";
}

std::string export_checkpoint(std::string_view note, std::span<const Hash> consistency) {
    return "{\"checkpoint\":" + quoted(note) + ",\"consistency\":" + list_of(consistency) + "}\n";
}

std::string export_record(std::uint64_t index, std::span<const Hash> inclusion,
                          std::string_view record) {
    return "{\"index\":" + std::to_string(index) + ",\"inclusion\":" + list_of(inclusion) +
           ",\"record\":" + std::string(record) + "}\n";
}

}  // namespace gh::audit
