#pragma once

#include <memory>
#include <string_view>

#include "app/settings.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "crypto/key_store.hpp"
#include "telemetry/log.hpp"
#include "vault/barrier.hpp"
#include "vault/keyring.hpp"
#include "vault/protector.hpp"
#include "vault/seal.hpp"
#include "vault/sealed_key_store.hpp"

namespace gh::app {

/// In DATA/keys: what opens the seal of a house whose configuration names nothing else.
inline constexpr std::string_view own_key_file = "master.key";

/// The vault of a data directory, opened.
struct Unsealed {
    std::unique_ptr<crypto::KeyStore> keys;
    std::unique_ptr<vault::Keyring> keyring;  ///< of the database that belongs to it
    vault::Barrier files;                     ///< of sealed files that lie anywhere
};

/// For the values in DATA/keys, of a seal that is opened. The first time seals those that are there.
/// @return errors of pki::FileKeyStore and vault::SealedKeyStore
[[nodiscard]] Result<vault::SealedKeyStore> open_keys(const Settings& settings, vault::Seal& seal);
/// Keys of the database that belongs to it.
[[nodiscard]] std::unique_ptr<vault::Keyring> keyring_of(const vault::Seal& seal);
/// For sealed files that lie anywhere. @return errors of vault::Barrier::with()
[[nodiscard]] Result<vault::Barrier> files_of(crypto::Secret key);
inline constexpr std::string_view files_purpose = "files";

/// Opens the seal with what the configuration names. The first time makes it, and seals the keys that are there.
/// @return errors of pki::FileKeyStore, of the protector, of vault::Seal and vault::SealedKeyStore; `corrupt`
///         "seal.missing": sealed keys without their seal; details say what to do
/// @param log  hears of a new master key that is not in use everywhere yet; may be null
[[nodiscard]] Result<Unsealed> unseal(const Settings& settings, telemetry::Log* log = nullptr);

/// A new key file of the data directory, in the place of one that opens nothing any more. Under the lock.
[[nodiscard]] Result<void> replace_own_key(const Settings& settings);

/// Removes the key file of the data directory if it opens the seal no more.
/// @return errors of lock_seal() and vault::Seal::opens_with(), `unavailable` "file.io"
[[nodiscard]] Result<void> drop_own_key(const Settings& settings);

/// Does the key file of the data directory open the seal there? @return errors of vault::Seal::opens_with()
[[nodiscard]] Result<bool> own_key_opens(const std::filesystem::path& data_dir);

/// Who opens the seal by these settings.
[[nodiscard]] std::unique_ptr<vault::Protector> protector_of(const Settings& settings);

/// Held by whoever makes or changes the seal. It lies beside it: nodes may share the folder.
[[nodiscard]] Result<FileLock> lock_seal(const Settings& settings);

struct LockedSeal {
    FileLock lock;
    vault::Seal seal;
};
/// The seal under its lock. What opens it may be far away, so that is asked before: nobody waits for the lock meanwhile, but
/// where the seal was changed just then.
/// @return errors of lock_seal() and vault::Seal::open()
[[nodiscard]] Result<LockedSeal> open_locked(const Settings& settings, vault::Protector& protector);

}  // namespace gh::app
