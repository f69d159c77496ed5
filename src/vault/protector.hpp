#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/passphrase_key.hpp"
#include "crypto/secret.hpp"
#include "crypto/x25519.hpp"
#include "vault/config.hpp"
#include "vault/seal_file.hpp"

namespace gh::vault {

/// Who can open the seal: seals the master key for itself, and opens what it sealed.
class Protector {
 public:
    virtual ~Protector() = default;
    /// As Recipient::kind has it.
    [[nodiscard]] virtual std::string_view kind() const = 0;
    /// For people: "the key file /etc/gatehouse/master.key".
    [[nodiscard]] virtual std::string name() const = 0;
    /// @return errors of where its key is: `not_found` "seal.key_missing", `invalid_argument` "seal.key_malformed" or those of
    ///         crypto::check_secret_strength(), `permission_denied` "seal.key_open_to_others" or "seal.key_owner"; details
    ///         say what to do
    [[nodiscard]] virtual Result<Recipient> wrap(const crypto::Secret& master) = 0;
    /// @return also `permission_denied` "seal.wrong_key", `corrupt` "seal.malformed"
    [[nodiscard]] virtual Result<crypto::Secret> unwrap(const Recipient& recipient) = 0;
};

/// 32 bytes as base64 (openssl rand -base64 32), as url-safe base64 (a Fernet key) or as 64 hex digits; white space around
/// does not count. Published keys and patterns are refused.
/// @return `invalid_argument` "seal.key_malformed" or the reasons of crypto::check_secret_strength()
[[nodiscard]] Result<crypto::Secret> parse_key(std::string_view text);

/// What a keyring of the kernel holds: the same, or the 32 bytes themselves. 32 hex digits are half a key, and refused.
/// @return as parse_key()
[[nodiscard]] Result<crypto::Secret> parse_kernel_key(std::string_view payload);

/// A file of ours or of root's that holds such a key and that only its owner reaches.
[[nodiscard]] std::unique_ptr<Protector> key_file_protector(std::filesystem::path file);
/// A credential of systemd (LoadCredentialEncrypted=). Its file may belong to root and be read by a group: systemd gives
/// services with a user of their own theirs by an access list.
/// @param folder  $CREDENTIALS_DIRECTORY; nothing: it is not set
[[nodiscard]] std::unique_ptr<Protector> credential_protector(
    std::optional<std::filesystem::path> folder, const std::string& name);
/// A key that was configured: ENCRYPTION_KEY.
[[nodiscard]] std::unique_ptr<Protector> key_protector(std::string_view text);
/// A key of type "user" in a keyring of the kernel that this process or its user has (keyctl(1)), by its description.
[[nodiscard]] std::unique_ptr<Protector> kernel_keyring_protector(std::string description);
/// A TPM 2.0, see Tpm::open(). Only this machine opens the seal then.
[[nodiscard]] std::unique_ptr<Protector> tpm_protector(std::string device);
/// An RSA key of an Azure Key Vault, by its name there. It asks on a loop of its own, as net::run_to_end() does.
///
/// Errors besides: those of azure::Client; `permission_denied` "seal.azure_denied".
[[nodiscard]] std::unique_ptr<Protector> azure_protector(AzureConfig config, std::string key);
/// What somebody typed, through Argon2id.
[[nodiscard]] std::unique_ptr<Protector> passphrase_protector(std::string_view passphrase,
                                                              crypto::PassphraseCost cost = {});

/// For the day on which every other key is lost. The seal knows the public half alone.
class RecoveryKey {
 public:
    static constexpr std::string_view prefix = "gatehouse-recovery-";
    [[nodiscard]] static RecoveryKey generate() { return RecoveryKey(crypto::X25519::generate()); }
    /// White space around does not count. @return `invalid_argument` "seal.key_malformed"
    [[nodiscard]] static Result<RecoveryKey> parse(std::string_view text);
    /// Base64: how the seal names it, and how people tell one from the other.
    [[nodiscard]] std::string public_key() const;
    /// To be shown once.
    [[nodiscard]] crypto::Secret text() const;
    [[nodiscard]] std::unique_ptr<Protector> protector() &&;

 private:
    explicit RecoveryKey(crypto::X25519 key) : key_(std::move(key)) {}
    crypto::X25519 key_;
};

}  // namespace gh::vault
