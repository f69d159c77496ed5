#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/config_command.hpp"
#include "app/settings.hpp"
#include "crypto/secret.hpp"

namespace gh::app {

struct SecretsOptions {
    std::string path;  ///< or the folder of a list
    std::string field{"value"};
    std::optional<std::uint64_t> cas;
    std::uint64_t version = 0;  ///< 0: the newest
    bool json = false;
    bool all = false;             ///< delete: every version, for good
    crypto::Secret typed;         ///< standard input
    std::string fernet_key_file;  ///< set, get: what passes is a Fernet token; empty: is not
    std::string
        old_key_file;  ///< unseal: what opened the seal so far; empty: the data directory's own
    bool recovery_key = false;    ///< unseal: standard input is one
    std::string old_azure_key;    ///< unseal: the key of vault.azure that opened it so far, by name
    std::string old_tpm;          ///< unseal: the device of the TPM that opened it so far
    bool old_key = false;         ///< unseal: standard input is the key, as text
    bool old_passphrase = false;  ///< unseal: standard input is what opened the seal so far
    bool master = false;          ///< rekey: another master key first
    std::vector<std::string>
        kept_recovery_keys;  ///< rekey: public halves that the caller vouches for
    bool list_recovery_keys = false;
    std::string withdrawn_key;  ///< recovery-key: the public half of the one to go; empty: make one
};

/// `secrets set`: standard input becomes the field of a new version, or with `json` all its fields.
[[nodiscard]] CommandResult secrets_set(const Overrides& overrides,
                                        const Surroundings& surroundings,
                                        const SecretsOptions& options);
/// `secrets get`: prints the field alone, or with `json` all fields.
[[nodiscard]] CommandResult secrets_get(const Overrides& overrides,
                                        const Surroundings& surroundings,
                                        const SecretsOptions& options);
[[nodiscard]] CommandResult secrets_list(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const SecretsOptions& options);
/// `secrets delete`: the newest version, whose value stays until it falls out of those that are kept; or everything.
[[nodiscard]] CommandResult secrets_delete(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const SecretsOptions& options);
/// `secrets rekey`: a new data key, and every value sealed with it, while serve runs. With `master` another master key
/// before, while nothing runs.
[[nodiscard]] CommandResult secrets_rekey(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const SecretsOptions& options);

/// `secrets recovery-key`: one more key that opens the seal; prints it, this once. Or those that there are, or one less.
[[nodiscard]] CommandResult secrets_recovery_key(const Overrides& overrides,
                                                 const Surroundings& surroundings,
                                                 const SecretsOptions& options);
/// `secrets unseal`: opens the seal with what opened it so far, and seals it for what the configuration names now.
[[nodiscard]] CommandResult secrets_unseal(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const SecretsOptions& options);

}  // namespace gh::app
