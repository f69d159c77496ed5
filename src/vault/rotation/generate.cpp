#include "vault/rotation/generate.hpp"

#include <algorithm>
#include <array>

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "crypto/key_pair.hpp"
#include "crypto/secret_space.hpp"

namespace gh::vault::rotation {
namespace {

using codec::json::Writer;

/// An object of two texts.
crypto::Secret object_of(std::string_view first_name, std::string_view first,
                         std::string_view second_name, std::string_view second) {
    std::string json;
    // Room for the longest escapes: what grew elsewhere would not be wiped.
    json.reserve(6 * (first_name.size() + first.size() + second_name.size() + second.size()) + 32);
    Writer out(json);
    out.begin_object().name(first_name).string(first);
    if (!second_name.empty()) out.name(second_name).string(second);
    out.end_object();
    crypto::Secret fields(json);
    crypto::wipe(json.data(), json.size());
    return fields;
}

/// PKCS #8 in PEM (RFC 7468 §10).
crypto::Secret private_pem(const crypto::KeyPair& key) {
    constexpr std::size_t line = 64;
    const auto der = key.secret_der();
    auto base64 = codec::encode_base64(crypto::text_of(der.bytes()));
    std::string pem;
    pem.reserve(base64.size() + base64.size() / line + 80);
    pem += "-----BEGIN PRIVATE KEY-----\n";  // secret-scan: allow a label
    for (std::size_t at = 0; at < base64.size(); at += line)
        pem.append(base64, at, line).push_back('\n');
    pem += "-----END PRIVATE KEY-----\n";
    crypto::Secret secret(pem);
    crypto::wipe(base64.data(), base64.size());
    crypto::wipe(pem.data(), pem.size());
    return secret;
}

Candidate key_pair(const Generator& by) {
    const auto key = crypto::KeyPair::generate(by.key_type);
    const auto pem = private_pem(key);
    return {.fields = object_of(by.private_field, crypto::text_of(pem.bytes()), by.public_field,
                                key.public_pem()),
            .role = {}};
}

Candidate password_of_role(const Generator& by, std::string_view newest) {
    const auto password = random_text(by.alphabet, by.length);
    auto role = next_role(by, newest);
    auto fields =
        object_of(username_field, role, password_field, crypto::text_of(password.bytes()));
    return {.fields = std::move(fields), .role = std::move(role)};
}

}  // namespace

crypto::Secret random_text(std::string_view alphabet, std::size_t length) {
    crypto::SecretSpace text(length);
    crypto::SecretSpace pool(256);
    // What lies beyond the last whole alphabet is thrown away, or its first characters were likelier.
    const std::size_t fair = 256 - 256 % alphabet.size();
    std::size_t at = pool.size();
    for (std::size_t done = 0; done < length;) {
        if (at == pool.size()) {
            random_bytes({pool.data(), pool.size()});
            at = 0;
        }
        const std::size_t drawn = pool.data()[at++];
        if (drawn >= fair) continue;
        text.data()[done++] = static_cast<std::uint8_t>(alphabet[drawn % alphabet.size()]);
    }
    return text.secret();
}

std::string next_role(const Generator& by, std::string_view newest) {
    if (by.roles.empty()) return {};
    const auto now = newest.empty() ? Result<crypto::Secret>(crypto::Secret())
                                    : text_field(newest, username_field);
    if (!now) return by.roles.front();
    const auto at = std::ranges::find(by.roles, crypto::text_of(now->bytes()));
    if (at == by.roles.end() || at + 1 == by.roles.end()) return by.roles.front();
    return *(at + 1);
}

Candidate generate(const Generator& by, std::string_view newest) {
    switch (by.kind) {
        case Kind::random: {
            const auto text = random_text(by.alphabet, by.length);
            return {.fields = object_of(by.field, crypto::text_of(text.bytes()), {}, {}),
                    .role = {}};
        }
        case Kind::key_pair: return key_pair(by);
        case Kind::postgresql: return password_of_role(by, newest);
    }
    std::unreachable();
}

Result<crypto::Secret> text_field(std::string_view fields, std::string_view name) {
    GH_TRY(const auto read, codec::json::parse(fields, {.bytes_max = fields.size()}));
    if (const auto* text = read.find_string(name)) return crypto::Secret(*text);
    return fail(ErrorKind::not_found, "rotation.field",
                "the secret has no field " + std::string(name) + " that is a text");
}

}  // namespace gh::vault::rotation
