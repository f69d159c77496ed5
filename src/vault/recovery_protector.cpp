#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/hkdf.hpp"
#include "crypto/xaes.hpp"
#include "vault/wrapping.hpp"

// The master key sealed for a public key: an ephemeral X25519 key, HKDF over what both share and over both public keys,
// XAES-256-GCM.

namespace gh::vault {
namespace {

using crypto::Secret;
using crypto::X25519;

constexpr std::string_view purpose = "gatehouse recovery 1";

std::string base64_of(crypto::Bytes bytes) { return codec::encode_base64(crypto::text_of(bytes)); }

/// @param ours  of either side; `theirs` of the other
Result<Secret> key_of(const X25519& ours, crypto::Bytes theirs, crypto::Bytes ephemeral,
                      crypto::Bytes recovery) {
    GH_TRY(const auto shared, ours.shared_with(theirs));
    const auto salt =
        std::string(crypto::text_of(ephemeral)) + std::string(crypto::text_of(recovery));
    return crypto::hkdf_sha256(shared, crypto::bytes_of(salt), purpose, 32);
}

std::string proven_text(std::string_view public_key) {
    return "recovery key " + std::string(public_key);
}

crypto::Xaes prover_of(const Secret& master) {
    return crypto::Xaes::of_key(derived_from(master, "recipients")).value();
}

class RecoveryProtector final : public Protector {
 public:
    explicit RecoveryProtector(X25519 key) : key_(std::move(key)) {}

    [[nodiscard]] std::string_view kind() const override { return "recovery"; }
    [[nodiscard]] std::string name() const override { return "the recovery key"; }
    Result<Recipient> wrap(const Secret& master) override {
        return wrap_for_recovery(base64_of(key_.public_key()), master);
    }
    Result<Secret> unwrap(const Recipient& recipient) override {
        GH_TRY(const auto ephemeral, octets_parameter(recipient, "ephemeral", X25519::key_bytes));
        const auto bytes = crypto::bytes_of(ephemeral);
        auto key = key_of(key_, bytes, bytes, key_.public_key());
        if (!key) {
            return fail(ErrorKind::corrupt, "seal.malformed",
                        "the recipient recovery has no key that anybody made");
        }
        return unwrap_with(*std::move(key), recipient, name());
    }

 private:
    X25519 key_;
};

}  // namespace

Result<Recipient> wrap_for_recovery(const std::string& public_key, const Secret& master) {
    const auto malformed =
        fail(ErrorKind::corrupt, "seal.malformed", "a recovery key has a public half that is none");
    const auto theirs = codec::decode_base64(public_key);
    if (!theirs || theirs->size() != X25519::key_bytes) return malformed;
    const auto ephemeral = X25519::generate();
    const auto bytes = crypto::bytes_of(*theirs);
    auto key = key_of(ephemeral, bytes, ephemeral.public_key(), bytes);
    if (!key) return malformed;
    const auto proof = prover_of(master).seal({}, crypto::bytes_of(proven_text(public_key)));
    Recipient recipient;
    recipient.kind = "recovery";
    recipient.parameters = {{"public_key", public_key},
                            {"ephemeral", base64_of(ephemeral.public_key())},
                            {"proof", codec::encode_base64(proof)}};
    return wrap_with(*std::move(key), std::move(recipient), master);
}

bool is_proven(const Recipient& recipient, const Secret& master) {
    const auto* public_key = recipient.parameter("public_key");
    const auto* text = recipient.parameter("proof");
    if (public_key == nullptr || text == nullptr) return false;
    const auto proof = codec::decode_base64(*text);
    return proof && prover_of(master)
                        .open(crypto::bytes_of(*proof), crypto::bytes_of(proven_text(*public_key)))
                        .has_value();
}

Result<RecoveryKey> RecoveryKey::parse(std::string_view text) {
    const auto malformed =
        fail(ErrorKind::invalid_argument, "seal.key_malformed",
             "a recovery key begins with " + std::string(prefix) + " and has 43 characters more");
    text = trimmed(text);
    if (!text.starts_with(prefix)) return malformed;
    auto decoded = codec::decode_base64url(text.substr(prefix.size()));
    if (!decoded) return malformed;
    Secret secret(*decoded);
    crypto::wipe(decoded->data(), decoded->size());
    auto key = X25519::of_secret(std::move(secret));
    if (!key) return malformed;
    return RecoveryKey(*std::move(key));
}

std::string RecoveryKey::public_key() const { return base64_of(key_.public_key()); }

Secret RecoveryKey::text() const {
    auto encoded = codec::encode_base64url(crypto::text_of(key_.secret().bytes()));
    auto text = std::string(prefix) + encoded;
    Secret shown(text);
    crypto::wipe(encoded.data(), encoded.size());
    crypto::wipe(text.data(), text.size());
    return shown;
}

std::unique_ptr<Protector> RecoveryKey::protector() && {
    return std::make_unique<RecoveryProtector>(std::move(key_));
}

}  // namespace gh::vault
