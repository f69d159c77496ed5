#include "vault/backend/store_file.hpp"

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "vault/secret_path.hpp"

namespace gh::vault {
namespace {

using codec::json::Value;

constexpr std::int64_t version = 1;

std::unexpected<Error> malformed(std::string detail) {
    return fail(ErrorKind::corrupt, "store.malformed", std::move(detail));
}

Result<void> check_version(const Value& value) {
    const auto* said = value.find("version");
    const auto number = said ? said->integer().value_or(0) : 0;
    if (number < version) return malformed("it has no version that there ever was");
    if (number == version) return {};
    return fail(
        ErrorKind::conflict, "store.newer",
        "a newer program wrote it, as version " + std::to_string(number) + ": run that one");
}

Result<std::string> octets_of(const std::string* text) {
    auto octets = text ? codec::decode_base64(*text) : Result<std::string>();
    if (!text || !octets) return malformed("what should be base64 is none");
    return octets;
}

Result<void> read_secrets(const Value* list, StoreFile& file) {
    const auto* all = list ? list->array() : nullptr;
    if (all == nullptr || all->size() > StoreFile::secrets_max)
        return malformed("it has no secrets, or too many");
    for (const auto& each : *all) {
        const auto* path = each.find_string("path");
        if (path == nullptr || !check_secret_path(*path)) return malformed("a path is none");
        GH_TRY(auto sealed, octets_of(each.find_string("sealed")));
        file.sealed.insert_or_assign(*path, std::move(sealed));
    }
    return {};
}

std::string text_with(const StoreFile& file, std::string_view proof) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("version").integer(version).name("recipients");
    write_recipients(out, file.recipients);
    out.name("secrets").begin_array();
    for (const auto& [path, sealed] : file.sealed) {
        out.begin_object().name("path").string(path);
        out.name("sealed").string(codec::encode_base64(sealed)).end_object();
    }
    out.end_array().name("proof").string(codec::encode_base64(proof)).end_object();
    return text + "\n";
}

}  // namespace

Result<StoreFile> parse_store_file(std::string_view text) {
    const auto value =
        codec::json::parse(text, {.bytes_max = StoreFile::bytes_max, .depth_max = 8});
    if (!value) return malformed("it is no JSON");
    GH_TRY_VOID(check_version(*value));
    StoreFile file;
    GH_TRY(file.recipients, recipients_of(value->find("recipients")));
    GH_TRY_VOID(read_secrets(value->find("secrets"), file));
    GH_TRY(file.proof, octets_of(value->find_string("proof")));
    if (file.proof.size() != StoreFile::proof_bytes) return malformed("its proof is none");
    // What is left out, put in, in another order or written otherwise is all one here.
    if (text_of(file) != text) return malformed("it is not written as it should be");
    return file;
}

std::string text_of(const StoreFile& file) { return text_with(file, file.proof); }

std::string proved_text(const StoreFile& file) { return text_with(file, {}); }

}  // namespace gh::vault
