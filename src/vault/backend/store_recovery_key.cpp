#include "vault/backend/store_recovery_key.hpp"

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/hkdf.hpp"
#include "vault/wrapping.hpp"

namespace gh::vault {
namespace {

using crypto::Secret;

constexpr std::size_t key_bytes = 32, id_bytes = 16;
constexpr std::string_view id_name = "id";

std::string id_of(const Secret& secret) {
    const auto id = crypto::hkdf_sha256(secret, {}, "gatehouse store recovery 1 id", id_bytes);
    return codec::encode_base64url(crypto::text_of(id.bytes()));
}

/// ASCII that a shell wrote as UTF-16 (little end first) or behind a byte order mark, as PowerShell does, without either.
/// Nothing: it is none.
Secret plain(std::string_view text) {
    constexpr std::string_view mark = "\xEF\xBB\xBF", wide_mark = "\xFF\xFE";
    if (text.starts_with(mark)) return Secret(text.substr(mark.size()));
    if (!text.starts_with(wide_mark)) return Secret(text);
    text.remove_prefix(wide_mark.size());
    std::string narrow(text.size() / 2, '\0');
    bool ascii = text.size() % 2 == 0;
    for (std::size_t i = 0; i < narrow.size(); ++i) {
        narrow[i] = text[2 * i];
        ascii = ascii && text[2 * i + 1] == '\0';
    }
    Secret out(ascii ? std::string_view(narrow) : std::string_view());
    crypto::wipe(narrow.data(), narrow.size());
    return out;
}

class StoreRecoveryProtector final : public Protector {
 public:
    explicit StoreRecoveryProtector(Secret secret) : secret_(std::move(secret)) {}

    [[nodiscard]] std::string_view kind() const override { return StoreRecoveryKey::kind; }
    [[nodiscard]] std::string name() const override { return "the recovery key"; }
    Result<Recipient> wrap(const Secret& master) override {
        Recipient recipient;
        recipient.kind = kind();
        recipient.parameters.emplace_back(id_name, id_of(secret_));
        return wrap_with(key(), std::move(recipient), master);
    }
    Result<Secret> unwrap(const Recipient& recipient) override {
        return unwrap_with(key(), recipient, name());
    }

 private:
    [[nodiscard]] Secret key() const {
        return crypto::hkdf_sha256(secret_, {}, "gatehouse store recovery 1 key", key_bytes);
    }

    Secret secret_;
};

}  // namespace

StoreRecoveryKey StoreRecoveryKey::generate() {
    return StoreRecoveryKey(Secret::random(key_bytes));
}

Result<StoreRecoveryKey> StoreRecoveryKey::parse(std::string_view text) {
    const auto malformed =
        fail(ErrorKind::invalid_argument, "seal.key_malformed",
             "a recovery key begins with " + std::string(prefix) + " and has 43 characters more");
    const auto typed = plain(text);
    text = trimmed(crypto::text_of(typed.bytes()));
    if (!text.starts_with(prefix)) return malformed;
    auto decoded = codec::decode_base64url(text.substr(prefix.size()));
    if (!decoded) return malformed;
    Secret secret(*decoded);
    crypto::wipe(decoded->data(), decoded->size());
    if (secret.size() != key_bytes) return malformed;
    return StoreRecoveryKey(std::move(secret));
}

std::string StoreRecoveryKey::id() const { return id_of(secret_); }

Secret StoreRecoveryKey::text() const {
    auto encoded = codec::encode_base64url(crypto::text_of(secret_.bytes()));
    auto text = std::string(prefix) + encoded;
    Secret shown(text);
    crypto::wipe(encoded.data(), encoded.size());
    crypto::wipe(text.data(), text.size());
    return shown;
}

std::unique_ptr<Protector> StoreRecoveryKey::protector() const {
    return std::make_unique<StoreRecoveryProtector>(secret_.copy());
}

const std::string* recovery_id_of(const Recipient& recipient) {
    return recipient.kind == StoreRecoveryKey::kind ? recipient.parameter(id_name) : nullptr;
}

}  // namespace gh::vault
