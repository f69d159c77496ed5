#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/form.hpp"
#include "codec/json_writer.hpp"
#include "crypto/secret_space.hpp"
#include "vault/transit/answer.hpp"

namespace gh::vault::transit {
namespace {

using codec::json::Writer;

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "transit.export", std::move(detail));
}

std::string coded(const crypto::Secret& key) {
    return codec::encode_base64(crypto::text_of(key.bytes()));
}

Result<std::string> private_half(const KeyFacts& facts, const crypto::KeyPair& pair) {
    if (facts.key.type != KeyType::ed25519) {
        GH_TRY(const auto pem, pair.secret_pem());
        return std::string(crypto::text_of(pem.bytes()));
    }
    // As their engine keeps it: the seed, and behind it the public half.
    const auto seed = pair.ed25519_seed();
    const auto half = pair.ed25519_public();
    crypto::SecretSpace both(seed.size() + half.size());
    std::ranges::copy(half, std::ranges::copy(seed.bytes(), both.data()).out);
    return codec::encode_base64(crypto::text_of(both.bytes()));
}

std::string public_half(const KeyFacts& facts, const crypto::KeyPair& pair) {
    return facts.key.type == KeyType::ed25519 ? codec::encode_base64(pair.ed25519_public())
                                              : pair.public_pem();
}

Result<void> check_kind(const KeyFacts& facts, std::string_view kind) {
    const auto type = facts.key.type;
    const bool pairs = pair_of(type).has_value();
    if (kind == "public-key") {
        if (pairs) return {};
        return refuse("unknown key type for export type public-key");
    }
    if (kind == "encryption-key" && !encrypts(type))
        return refuse("encryption not supported for the key");
    if (kind == "signing-key" && !pairs) return refuse("signing not supported for the key");
    if (kind != "encryption-key" && kind != "signing-key" && kind != "hmac-key")
        return refuse("invalid export type: " + std::string(kind));
    if (facts.key.exportable) return {};
    return refuse("private key material is not exportable");
}

Result<std::string> exported(const KeyFacts& facts, const Material& material,
                             std::string_view kind) {
    if (kind == "hmac-key") return coded(material.hmac_key());
    if (material.pair() == nullptr) return coded(material.key());
    if (kind == "public-key") return public_half(facts, *material.pair());
    return private_half(facts, *material.pair());
}

/// There is one: what is asked for in another is not given in this.
Result<void> check_format(std::string_view query) {
    const auto form = codec::parse_form(query);
    const auto* format = form ? form->find("format") : nullptr;
    if (format == nullptr || format->empty()) return {};
    return refuse("format is not supported: RSA and ECDSA keys are PEM, all others base64");
}

/// "3", "v3" or "latest".
Result<Span> span_of(const KeyFacts& facts, std::string_view version) {
    if (version.empty()) return Span{.first = facts.min_decryption, .last = facts.latest};
    if (version == "latest") return Span{.first = facts.latest, .last = facts.latest};
    if (version.starts_with('v')) version.remove_prefix(1);
    std::uint32_t number = 0;
    const auto* const end = version.data() + version.size();
    const auto [behind, error] = std::from_chars(version.data(), end, number);
    if (error != std::errc() || behind != end || number == 0 || number > facts.latest)
        return refuse("version does not exist or cannot be found");
    if (number < facts.min_decryption)
        return refuse("version for export is below minimum decryption version");
    return Span{.first = number, .last = number};
}

Answered export_key(TransitRoom& room, Entry entry, std::string_view /*body*/) {
    const auto kind = entry.call.param("kind");
    GH_CO_TRY_VOID(check_format(entry.call.query));
    GH_CO_TRY(const auto facts, co_await room.keys.find(name_in(entry)));
    GH_CO_TRY_VOID(check_kind(facts, kind));
    GH_CO_TRY(const auto span, span_of(facts, entry.call.param("version")));
    GH_CO_TRY(const auto key, co_await room.keys.open(name_in(entry), span));
    GH_CO_TRY_VOID(check_kind(key.facts, kind));  // another may have its name by now
    auto record = audit::act_of(entry.call, "transit.export", "transit key", name_in(entry));
    record.details = {{"kind", std::string(kind)},
                      {"versions", static_cast<std::int64_t>(key.versions.size())}};
    GH_CO_TRY_VOID(co_await room.vault.audit.append(std::move(record)));
    std::string data;
    Writer out(data);
    out.begin_object().name("name").string(key.facts.key.name);
    out.name("type").string(name_of(key.facts.key.type)).name("keys").begin_object();
    for (const auto& each : key.versions) {
        GH_CO_TRY(auto text, exported(key.facts, *each.material, kind));
        out.name(std::to_string(each.version)).string(text);
        crypto::wipe(text.data(), text.size());
    }
    out.end_object().end_object();
    auto reply = enveloped(entry, data);
    crypto::wipe(data.data(), data.size());
    co_return reply;
}

}  // namespace

std::vector<api::Route> export_routes(TransitRoom& room) {
    Table table(room.vault);
    const std::string one = "/v1/transit/export/{kind}/{name}";
    table.add("GET", one, {.want = Want::read, .place = "transit/export/{kind}/{name}"},
              with(room, export_key), "The key itself, of one that was made exportable.");
    table.add("GET", one + "/{version}",
              {.want = Want::read, .place = "transit/export/{kind}/{name}/{version}"},
              with(room, export_key), "A version of it.");
    return std::move(table).take();
}

}  // namespace gh::vault::transit
