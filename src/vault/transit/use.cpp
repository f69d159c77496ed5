#include "vault/transit/use.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/hashing.hpp"

namespace gh::vault::transit {
namespace {

using crypto::bytes_of;
using crypto::Hash;
using crypto::SignatureForm;

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "transit.input", std::move(detail));
}

/// A version that another node may have made meanwhile.
constexpr std::string_view ahead = "transit.ahead";

std::unexpected<Error> refuse_ahead(std::string detail) {
    return fail(ErrorKind::invalid_argument, ahead, std::move(detail));
}

constexpr std::string_view needs_context =
    "missing 'context' for key derivation; the key was created using a derived key, which means "
    "additional, per-request information must be included in order to perform operations with the "
    "key";
constexpr std::string_view too_old =
    "ciphertext or signature version is disallowed by policy (too old)";

bool opens(Verb verb) { return verb == Verb::decrypt || verb == Verb::rewrap; }
bool checks(Verb verb) { return verb == Verb::verify || verb == Verb::verify_hmac; }
bool is_hmac(Verb verb) { return verb == Verb::hmac || verb == Verb::verify_hmac; }
bool is_signature(Verb verb) { return verb == Verb::sign || verb == Verb::verify; }

bool is_jws(const Use& use) { return use.marshaling.value_or("asn1") == "jws"; }

/// Octets of base64 that are wiped when they go.
class Decoded {
 public:
    static Result<Decoded> of(std::string_view coded, std::string_view what) {
        auto octets = codec::decode_base64(coded);
        if (!octets) return refuse(std::string(what) + " is no base64");
        if (octets->size() > text_bytes_max)
            return refuse(std::string(what) + " has more than 1 MiB");
        return Decoded(*std::move(octets));
    }
    explicit Decoded(std::string text) : text_(std::move(text)) {}
    Decoded(Decoded&&) noexcept = default;
    Decoded& operator=(Decoded&&) noexcept = default;
    Decoded(const Decoded&) = delete;
    Decoded& operator=(const Decoded&) = delete;
    ~Decoded() { crypto::wipe(text_.data(), text_.size()); }
    [[nodiscard]] std::string_view text() const { return text_; }
    [[nodiscard]] crypto::Bytes bytes() const { return bytes_of(text_); }

 private:
    std::string text_;
};

Result<std::string> context_of(const KeyFacts& facts, std::string_view coded) {
    if (!facts.key.derived) return std::string();
    if (coded.empty()) return refuse(std::string(needs_context));
    auto context = codec::decode_base64(coded);
    if (!context) return refuse("failed to base64-decode context");
    return context;
}

Result<std::string> associated_of(std::string_view coded) {
    auto octets = codec::decode_base64(coded);
    if (!octets) return refuse("failed to base64-decode associated_data");
    return octets;
}

Result<crypto::Secret> decrypt_text(const KeyFacts& facts, const Material& material,
                                    std::string_view context, std::string_view associated,
                                    std::string_view sealed) {
    const auto refused = refuse("cipher: message authentication failed");
    if (const auto* pair = material.pair()) {
        auto text = pair->decrypt(bytes_of(sealed));
        if (!text) return refused;
        return text;
    }
    const auto derived = facts.key.derived ? material.derived_key(context) : crypto::Secret();
    auto text =
        crypto::open(*cipher_of(facts.key.type), facts.key.derived ? derived : material.key(),
                     bytes_of(sealed), bytes_of(associated));
    if (!text) return refused;
    return text;
}

Result<SignatureForm> form_of(const Use& use) {
    SignatureForm form;
    const auto hash = use.hash.empty() ? std::string("sha2-256") : use.hash;
    form.hash = crypto::hash_named(hash);
    const auto algorithm = use.signature_algorithm.value_or("");
    if (!form.hash && hash != "none") return refuse("invalid hash algorithm \"" + hash + "\"");
    if (!form.hash && (!use.prehashed || algorithm != "pkcs1v15")) {
        return refuse(
            "hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15");
    }
    if (algorithm != "" && algorithm != "pss" && algorithm != "pkcs1v15")
        return refuse("unsupported rsa signature algorithm " + std::string(algorithm));
    form.is_pss = algorithm != "pkcs1v15";
    const auto marshaling = use.marshaling.value_or("asn1");
    if (marshaling != "asn1" && marshaling != "jws")
        return refuse("invalid marshaling type \"" + std::string(marshaling) + "\"");
    form.is_raw = marshaling == "jws";
    const auto& salt = use.salt_length;
    if (salt.empty() || salt == "auto" || salt == "0") return form;
    if (salt == "hash" || salt == "-1") {
        form.salt = SignatureForm::Salt::as_hash;
        return form;
    }
    form.salt = SignatureForm::Salt::counted;
    const auto* const end = salt.data() + salt.size();
    const auto [behind, error] = std::from_chars(salt.data(), end, form.salt_bytes);
    if (error != std::errc() || behind != end)
        return refuse("salt length neither 'auto', 'hash', nor an int: " + salt);
    if (form.salt_bytes < 0 || form.salt_bytes > 512)
        return refuse("salt length is invalid: " + salt);
    return form;
}

Result<Hash> hmac_hash_of(const Use& use) {
    const auto name = use.hash.empty() ? std::string("sha2-256") : use.hash;
    const auto hash = crypto::hash_named(name);
    if (!hash) return refuse("unsupported algorithm \"" + name + "\"");
    return *hash;
}

std::string_view word_of(Verb verb) {
    if (opens(verb)) return "ciphertext";
    return verb == Verb::verify_hmac ? "HMAC" : "signature";
}

/// What is opened or checked: from which version, if that is one that may be.
Result<Parcel> parcel_of(const KeyFacts& facts, Verb verb, const Use& use, const Item& item) {
    const auto& text = opens(verb)                 ? item.ciphertext
                       : verb == Verb::verify_hmac ? item.hmac
                                                   : item.signature;
    if (!text || (opens(verb) && text->empty())) {
        return refuse(opens(verb)
                          ? std::string("missing ciphertext to decrypt")
                          : "missing " + std::string(verb == Verb::verify ? "signature" : "hmac"));
    }
    GH_TRY(auto parcel, parse_parcel(*text, word_of(verb), verb == Verb::verify && is_jws(use)));
    if (parcel.version > facts.latest)
        return refuse_ahead("invalid " + std::string(word_of(verb)) + ": version is too new");
    if (parcel.version < std::max(facts.min_decryption, facts.min_available))
        return refuse(std::string(too_old));
    return parcel;
}

Result<Step> step_of(const KeyFacts& facts, Verb verb, const Use& use, const Item& item) {
    Step step;
    if (verb == Verb::encrypt && !item.plaintext) return refuse("missing plaintext to encrypt");
    // Missing, it is an empty text; there is no empty digest.
    const bool wants_input = is_hmac(verb) || use.is_batch || use.prehashed;
    if ((is_hmac(verb) || is_signature(verb)) && wants_input && !item.input)
        return refuse(verb == Verb::hmac ? "missing input for HMAC" : "missing input");
    if (opens(verb) || checks(verb)) {
        GH_TRY(step.parcel, parcel_of(facts, verb, use, item));
    }
    if (!checks(verb) && verb != Verb::decrypt) {
        const auto wanted = item.key_version == 0 ? use.key_version : item.key_version;
        GH_TRY(step.version, version_to_use(facts, wanted,
                                            verb == Verb::sign   ? "signing"
                                            : verb == Verb::hmac ? "HMAC"
                                                                 : "encryption"));
    }
    return step;
}

/// One item at work.
class Worker {
 public:
    Worker(const KeyFacts& facts, Verb verb, const Use& use, const Materials& materials)
        : facts_(facts), verb_(verb), use_(use), materials_(materials) {}

    Result<Outcome> run(const Item& item, const Step& step) const {
        switch (verb_) {
            case Verb::encrypt: return encrypt(item, step);
            case Verb::decrypt:
            case Verb::rewrap: return decrypt(item, step);
            case Verb::sign:
            case Verb::verify: return sign(item, step);
            case Verb::hmac:
            case Verb::verify_hmac: return hmac(item, step);
        }
        std::unreachable();
    }

 private:
    [[nodiscard]] Result<const Material*> material(std::uint32_t version) const {
        const auto found = materials_.find(version);
        if (found == materials_.end() || !found->second || !found->second->is_of(facts_.key.type))
            return refuse("no such key version");
        return found->second.get();
    }

    Result<Outcome> encrypt(const Item& item, const Step& step) const {
        GH_TRY(const auto text, Decoded::of(*item.plaintext, "plaintext"));
        return sealed(item, step, text.text());
    }

    Result<Outcome> sealed(const Item& item, const Step& step, std::string_view text) const {
        GH_TRY(const auto* key, material(step.version));
        GH_TRY(const auto context, context_of(facts_, item.context));
        GH_TRY(const auto associated, associated_of(item.associated_data));
        Outcome done;
        GH_TRY(done.text, encrypt_text(facts_, *key, step.version, context, associated, text));
        done.version = step.version;
        return done;
    }

    Result<Outcome> decrypt(const Item& item, const Step& step) const {
        GH_TRY(const auto* key, material(step.parcel.version));
        GH_TRY(const auto context, context_of(facts_, item.context));
        GH_TRY(const auto associated, associated_of(item.associated_data));
        GH_TRY(const auto text,
               decrypt_text(facts_, *key, context, associated, step.parcel.octets));
        if (verb_ == Verb::rewrap) return sealed(item, step, crypto::text_of(text.bytes()));
        Outcome done;
        done.text = codec::encode_base64(crypto::text_of(text.bytes()));
        return done;
    }

    Result<Outcome> sign(const Item& item, const Step& step) const {
        GH_TRY(const auto form, form_of(use_));
        GH_TRY(const auto* key, material(verb_ == Verb::sign ? step.version : step.parcel.version));
        GH_TRY(const auto input, Decoded::of(item.input.value_or(""), "input"));
        GH_TRY(const auto context, context_of(facts_, item.context));
        std::optional<crypto::KeyPair> derived;
        if (facts_.key.derived) derived = key->derived_pair(context);
        const auto& pair = derived ? *derived : *key->pair();
        std::string digest;
        auto message = input.bytes();
        if (facts_.key.type != KeyType::ed25519 && !use_.prehashed) {
            digest = crypto::digest_of(*form.hash, message);
            message = bytes_of(digest);
        }
        Outcome done;
        if (verb_ == Verb::verify) {
            done.valid = pair.verify(form, message, bytes_of(step.parcel.octets));
            return done;
        }
        auto signature = pair.sign(form, message);
        if (!signature) return refuse(std::move(signature).error().detail);
        done.text = text_of_parcel(step.version, *signature, is_jws(use_));
        done.version = step.version;
        if (derived) done.public_key = codec::encode_base64(pair.ed25519_public());
        return done;
    }

    Result<Outcome> hmac(const Item& item, const Step& step) const {
        GH_TRY(const auto hash, hmac_hash_of(use_));
        GH_TRY(const auto* key, material(verb_ == Verb::hmac ? step.version : step.parcel.version));
        GH_TRY(const auto input, Decoded::of(item.input.value_or(""), "input"));
        const auto code = crypto::hmac_of(hash, key->hmac_key(), input.bytes());
        Outcome done;
        done.valid = crypto::constant_time_equal(code, step.parcel.octets);
        if (verb_ == Verb::hmac) done.text = text_of_parcel(step.version, code);
        return done;
    }

    const KeyFacts& facts_;
    Verb verb_;
    const Use& use_;
    const Materials& materials_;
};

bool is_mixed(const Use& use, auto has) {
    return !std::ranges::all_of(use.items, has) && std::ranges::any_of(use.items, has);
}

}  // namespace

Result<std::uint32_t> version_to_use(const KeyFacts& facts, std::uint32_t wanted,
                                     std::string_view what) {
    const auto version = wanted == 0 ? facts.latest : wanted;
    const auto asked = "requested version for " + std::string(what);
    if (version > facts.latest)
        return refuse_ahead(asked + " is higher than the latest key version");
    // What cannot be opened again is not made either.
    if (version < std::max({facts.min_encryption, facts.min_decryption, facts.min_available}))
        return refuse(asked + " is less than the minimum encryption key version");
    return version;
}

Result<std::string> encrypt_text(const KeyFacts& facts, const Material& material,
                                 std::uint32_t version, std::string_view context,
                                 std::string_view associated_data, std::string_view text) {
    if (const auto* pair = material.pair()) {
        auto sealed = pair->encrypt(bytes_of(text));
        if (!sealed) return refuse("message too long for RSA key size");
        return text_of_parcel(version, *sealed);
    }
    const auto derived = facts.key.derived ? material.derived_key(context) : crypto::Secret();
    return text_of_parcel(version, crypto::seal(*cipher_of(facts.key.type),
                                                facts.key.derived ? derived : material.key(),
                                                bytes_of(text), bytes_of(associated_data)));
}

Result<void> check_use(const KeyFacts& facts, Verb verb, const Use& use) {
    const std::string type(name_of(facts.key.type));
    if (is_signature(verb)) {
        const auto pair = pair_of(facts.key.type);
        if (!pair) {
            return refuse("key type " + type + " does not support " +
                          (verb == Verb::sign ? "signing" : "verification"));
        }
        GH_TRY(const auto form, form_of(use));
        if (!form.hash && !crypto::is_rsa(*pair)) return refuse("hash_algorithm=none is for RSA");
    } else if (is_hmac(verb)) {
        GH_TRY_VOID(hmac_hash_of(use));
    } else if (!encrypts(facts.key.type)) {
        return refuse(std::string(opens(verb) ? "message decryption" : "message encryption") +
                      " not supported for key type " + type);
    }
    if (use.key_version > 0 && verb != Verb::sign && verb != Verb::hmac)
        return refuse("key_version stands beside batch_input, not in its items");
    if (is_mixed(use, [](const Item& item) { return !item.context.empty(); }))
        return refuse("context should be set either in all the request blocks or in none");
    if (is_slow(facts.key.type) && !is_hmac(verb) && use.items.size() > slow_batch_items_max)
        return refuse("batch_input has more than 100 items for an RSA key");
    const bool associates = std::ranges::any_of(
        use.items, [](const Item& item) { return !item.associated_data.empty(); });
    if (associates && !cipher_of(facts.key.type))
        return refuse("associated_data provided for non-AEAD cipher suite " + type);
    return {};
}

std::vector<Step> plan(const KeyFacts& facts, Verb verb, const Use& use) {
    std::vector<Step> steps;
    steps.reserve(use.items.size());
    for (const auto& item : use.items) {
        auto step = step_of(facts, verb, use, item);
        if (step) {
            steps.push_back(*std::move(step));
            continue;
        }
        auto& refused = steps.emplace_back();
        refused.is_ahead = step.error().reason == ahead;
        refused.error = std::move(step).error().detail;
    }
    return steps;
}

std::vector<Outcome> carry_out(const KeyFacts& facts, Verb verb, const Use& use,
                               const std::vector<Step>& steps, const Materials& materials) {
    const Worker worker(facts, verb, use, materials);
    std::vector<Outcome> outcomes(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (!steps[i].error.empty()) {
            outcomes[i].error = steps[i].error;
            continue;
        }
        auto done = worker.run(use.items[i], steps[i]);
        if (done) {
            outcomes[i] = *std::move(done);
        } else {
            outcomes[i].error = std::move(done).error().detail;
        }
    }
    return outcomes;
}

}  // namespace gh::vault::transit
