#include "codec/jwk.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"

namespace gh::codec {
namespace {

std::unexpected<Error> refuse(std::string_view reason, std::string detail = {}) {
    return fail(ErrorKind::invalid_argument, reason, std::move(detail));
}

/// A member that must be there, in base64url; only `k` may be empty in form, and is judged where
/// strength is.
Result<std::string> part(const json::Value& value, std::string_view name) {
    const auto* text = value.find_string(name);
    if (text == nullptr) return refuse("jwk.malformed", std::string(name) + " is missing");
    auto bytes = decode_base64url(*text);
    if (!bytes) return refuse("jwk.malformed", std::string(name) + " is not base64url");
    return bytes;
}

/// May the key check signatures, as far as it says?
Result<void> check_use(const json::Value& value) {
    if (const auto* use = value.find("use")) {
        if (!use->string() || *use->string() != "sig") return refuse("jwk.use");
    }
    const auto* operations = value.find("key_ops");
    if (operations == nullptr) return {};
    const auto* list = operations->array();
    const bool verifies = list && std::ranges::any_of(*list, [](const json::Value& operation) {
                              return operation.string() && *operation.string() == "verify";
                          });
    if (!verifies) return refuse("jwk.use");
    return {};
}

Result<Jwk::Type> read_type(const json::Value& value) {
    const auto* type = value.find_string("kty");
    if (type == nullptr) return refuse("jwk.malformed", "kty is missing");
    if (*type == "RSA") return Jwk::Type::rsa;
    if (*type == "EC") return Jwk::Type::ec;
    if (*type == "OKP") return Jwk::Type::okp;
    if (*type == "oct") return Jwk::Type::oct;
    return refuse("jwk.type");
}

Result<void> read_parts(const json::Value& value, Jwk& key) {
    switch (key.type) {
        case Jwk::Type::rsa: {
            GH_TRY(key.modulus, part(value, "n"));
            GH_TRY(key.exponent, part(value, "e"));
            return {};
        }
        case Jwk::Type::oct: {
            GH_TRY(key.secret, part(value, "k"));
            return {};
        }
        case Jwk::Type::ec:
        case Jwk::Type::okp: break;
    }
    const auto* curve = value.find_string("crv");
    if (curve == nullptr) return refuse("jwk.malformed", "crv is missing");
    key.curve = *curve;
    GH_TRY(key.x, part(value, "x"));
    if (key.type == Jwk::Type::ec) {
        GH_TRY(key.y, part(value, "y"));
    }
    return {};
}

}  // namespace

Result<Jwk> read_jwk(const json::Value& value) {
    Jwk key;
    GH_TRY(key.type, read_type(value));
    GH_TRY_VOID(check_use(value));
    if (const auto* algorithm = value.find("alg")) {
        key.algorithm = algorithm->string() ? algorithm_of(*algorithm->string()) : std::nullopt;
        if (!key.algorithm) return refuse("jwk.algorithm");
    }
    if (const auto* id = value.find("kid")) {
        if (!id->string()) return refuse("jwk.malformed", "kid is no string");
        key.id = *id->string();
    }
    GH_TRY_VOID(read_parts(value, key));
    return key;
}

Result<JwkSet> parse_jwk_set(std::string_view text) {
    if (text.size() > jwk_set_bytes_max) return refuse("jwks.too_large");
    const auto parsed = json::parse(text, {.bytes_max = jwk_set_bytes_max});
    if (!parsed) return refuse("jwks.malformed", describe(parsed.error()));
    return read_jwk_set(*parsed);
}

Result<JwkSet> read_jwk_set(const json::Value& set_value) {
    const auto* keys = set_value.find("keys");
    if (keys == nullptr || keys->array() == nullptr)
        return refuse("jwks.malformed", "no array `keys`");
    if (keys->array()->size() > jwk_set_keys_max) return refuse("jwks.too_large");
    JwkSet set;
    std::unordered_set<std::string_view> ids;
    bool symmetric = false, asymmetric = false;
    for (const auto& value : *keys->array()) {
        auto key = read_jwk(value);
        const bool for_others =
            !key && (key.error().reason == "jwk.use" || key.error().reason == "jwk.type");
        // Ids may repeat among keys of different use; among those for signatures they say which is meant, and a key
        // that turns out unreadable may be the one that was.
        const auto* id = value.find_string("kid");
        if (id && !for_others && !ids.insert(*id).second) return refuse("jwks.duplicate_id");
        if (!key) {
            ++set.passed_over;
            continue;
        }
        (key->type == Jwk::Type::oct ? symmetric : asymmetric) = true;
        set.keys.push_back(*std::move(key));
    }
    if (symmetric && asymmetric) return refuse("jwks.mixed");
    return set;
}

std::string thumbprint_input(const Jwk& key) {
    const auto octets = [](std::string_view name, std::string_view value) {
        return '"' + std::string(name) + "\":\"" + encode_base64url(value) + '"';
    };
    switch (key.type) {
        case Jwk::Type::rsa:
            return '{' + octets("e", key.exponent) + R"(,"kty":"RSA",)" + octets("n", key.modulus) +
                   '}';
        case Jwk::Type::ec:
            return R"({"crv":")" + key.curve + R"(","kty":"EC",)" + octets("x", key.x) + ',' +
                   octets("y", key.y) + '}';
        case Jwk::Type::okp:
            return R"({"crv":")" + key.curve + R"(","kty":"OKP",)" + octets("x", key.x) + '}';
        case Jwk::Type::oct: break;  // the thumbprint of a secret would tell it
    }
    return {};
}

void append_jwk(std::string& out, const Jwk& key) {
    const auto required = thumbprint_input(key);
    if (required.empty()) return;
    out.append(required, 0, required.size() - 1);
    out += R"(,"use":"sig")";
    if (key.algorithm) {
        out += R"(,"alg":")";
        out += name_of(*key.algorithm);
        out += '"';
    }
    if (key.id) {
        out += R"(,"kid":)";
        json::append_quoted(out, *key.id);
    }
    out += '}';
}

}  // namespace gh::codec
