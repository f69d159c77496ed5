#include "vault/transit/key_answer.hpp"

#include <chrono>

#include "codec/base64.hpp"
#include "codec/json_writer.hpp"
#include "config/unit.hpp"

namespace gh::vault::transit {
namespace {

using codec::json::Writer;

std::string_view curve_name(KeyType type) {
    switch (type) {
        case KeyType::ecdsa_p256: return "P-256";
        case KeyType::ecdsa_p384: return "P-384";
        case KeyType::ecdsa_p521: return "P-521";
        default: return name_of(type);
    }
}

std::string public_key(const KeyFacts& facts, const Material& material, std::string_view context) {
    if (!material.is_of(facts.key.type)) return {};
    if (facts.key.type != KeyType::ed25519) return material.pair()->public_pem();
    if (!facts.key.derived) return codec::encode_base64(material.pair()->ed25519_public());
    if (context.empty()) return {};
    return codec::encode_base64(material.derived_pair(context).ed25519_public());
}

void write_versions(Writer& out, const OpenedKey& key, std::string_view context) {
    out.begin_object();
    for (const auto& each : key.versions) {
        if (each.version < key.facts.min_decryption || each.version > key.facts.latest) continue;
        out.name(std::to_string(each.version));
        if (!pair_of(key.facts.key.type)) {
            out.integer(std::chrono::floor<seconds>(each.created_at.time_since_epoch()).count());
            continue;
        }
        out.begin_object().name("creation_time").string(config::time_text(each.created_at));
        out.name("name").string(curve_name(key.facts.key.type));
        out.name("public_key");
        out.string(each.material ? public_key(key.facts, *each.material, context) : "");
        out.end_object();
    }
    out.end_object();
}

}  // namespace

std::string text_of(const OpenedKey& key, std::string_view context) {
    const auto& facts = key.facts;
    const auto type = facts.key.type;
    std::string text;
    Writer out(text);
    out.begin_object().name("name").string(facts.key.name).name("type").string(name_of(type));
    out.name("derived").boolean(facts.key.derived);
    out.name("deletion_allowed").boolean(facts.deletion_allowed);
    out.name("exportable").boolean(facts.key.exportable);
    out.name("allow_plaintext_backup").boolean(false).name("imported_key").boolean(false);
    out.name("latest_version").integer(facts.latest);
    out.name("min_available_version").integer(facts.min_available);
    out.name("min_decryption_version").integer(facts.min_decryption);
    out.name("min_encryption_version").integer(facts.min_encryption);
    out.name("auto_rotate_period").integer(facts.key.auto_rotate.count());
    out.name("supports_encryption").boolean(encrypts(type));
    out.name("supports_decryption").boolean(encrypts(type));
    out.name("supports_signing").boolean(pair_of(type).has_value());
    out.name("supports_derivation").boolean(derives(type));
    if (facts.key.key_bytes > 0) out.name("key_size").integer(facts.key.key_bytes);
    if (facts.key.derived) {
        out.name("kdf").string("hkdf_sha256").name("convergent_encryption").boolean(false);
    }
    out.name("keys");
    write_versions(out, key, context);
    out.end_object();
    return text;
}

}  // namespace gh::vault::transit
