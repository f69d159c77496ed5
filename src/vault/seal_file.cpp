#include "vault/seal_file.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace gh::vault {
namespace {

using codec::json::Members;
using codec::json::Value;

constexpr std::int64_t version = 1, version_with_former = 2;

std::unexpected<Error> malformed(std::string detail) {
    return fail(ErrorKind::corrupt, "seal.malformed", std::move(detail));
}

/// Every member is one of `known`, and there is none besides.
bool has_only(const Members& members, std::initializer_list<std::string_view> known) {
    return std::ranges::all_of(members, [&](const auto& member) {
        return std::ranges::find(known, member.first) != known.end();
    });
}

Result<std::string> octets_of(const Value& in, std::string_view name) {
    const auto* text = in.find_string(name);
    if (text == nullptr) return malformed(std::string(name) + " is no text");
    auto octets = codec::decode_base64(*text);
    if (!octets) return malformed(std::string(name) + " is no base64");
    return octets;
}

}  // namespace

Result<SealFile> parse_seal_file(std::string_view text) {
    const auto value = codec::json::parse(text, {.bytes_max = SealFile::bytes_max, .depth_max = 8});
    if (!value) return malformed("it is no JSON");
    const auto* members = value->object();
    const auto* said = value->find("version");
    if (said == nullptr || said->integer().value_or(0) < version)
        return malformed("it has no version that there ever was");
    const bool has_former = said->integer() == version_with_former;
    if (said->integer() != version && !has_former) {
        return fail(ErrorKind::conflict, "seal.newer",
                    "a newer gatehouse wrote it, as version " + std::to_string(*said->integer()) +
                        ": run that one");
    }
    if (members == nullptr ||
        !has_only(*members, {"version", "recipients", "keys_sealed", "former"}) ||
        has_former != (value->find("former") != nullptr))
        return malformed("it has other members than it should");
    SealFile file;
    GH_TRY(file.recipients, recipients_of(value->find("recipients")));
    if (value->find("keys_sealed") != nullptr) {
        GH_TRY(file.keys_sealed, octets_of(*value, "keys_sealed"));
        if (file.keys_sealed.empty()) return malformed("keys_sealed is empty");
    }
    if (has_former) {
        GH_TRY(file.former, octets_of(*value, "former"));
        if (file.former.empty()) return malformed("former is empty");
    }
    return file;
}

std::string text_of(const SealFile& file) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("version").integer(file.former.empty() ? version : version_with_former);
    out.name("recipients");
    write_recipients(out, file.recipients);
    if (!file.keys_sealed.empty())
        out.name("keys_sealed").string(codec::encode_base64(file.keys_sealed));
    if (!file.former.empty()) out.name("former").string(codec::encode_base64(file.former));
    out.end_object();
    return text + "\n";
}

}  // namespace gh::vault
