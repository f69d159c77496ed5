#include "vault/secret_fields.hpp"

#include <fmt/format.h>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "config/problem.hpp"

namespace gh::vault {
namespace {

using codec::json::Value;

std::string text_of(const Value& value) {
    std::string text;
    if (const auto* string = value.string()) {
        text.reserve(string->size() + 1);
        text += *string;
        return text;
    }
    codec::json::Writer(text).value(value);
    return text;
}

}  // namespace

crypto::Secret one_field(std::string_view field, std::string_view text) {
    std::string json;
    // Room for the longest escapes: what grew elsewhere would not be wiped.
    json.reserve(6 * (text.size() + field.size()) + 16);
    codec::json::Writer(json).begin_object().name(field).string(text).end_object();
    crypto::Secret fields(json);
    crypto::wipe(json.data(), json.size());
    return fields;
}

Result<std::string> field_of(const crypto::Secret& secret, std::string_view field,
                             std::string_view path) {
    const auto text = crypto::text_of(secret.bytes());
    GH_TRY(const auto fields, codec::json::parse(text, {.bytes_max = text.size()}));
    if (const auto* found = fields.find(field.empty() ? only_field : field)) return text_of(*found);
    const auto& all = *fields.object();
    if (field.empty() && all.size() == 1) return text_of(all.begin()->second);
    std::string names;
    for (const auto& [name, value] : all)
        names += (names.empty() ? "" : ", ") + config::quote(name);
    return fail(ErrorKind::not_found, "secret.field",
                fmt::format("{} has no field {}; it has: {}", config::quote(path),
                            config::quote(field.empty() ? only_field : field), names));
}

}  // namespace gh::vault
