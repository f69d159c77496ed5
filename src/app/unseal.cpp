#include "app/unseal.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "pki/key_store.hpp"

namespace gh::app {
namespace {

using std::filesystem::path;

constexpr auto patience = std::chrono::seconds(10);

path keys_of(const Settings& settings) { return settings.data_dir / "keys"; }

/// That systemd made for this service.
std::optional<path> credentials_folder() {
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr) return {};
    return folder;
}

using Put = Result<void> (*)(const UniqueFd&, std::string_view, std::string_view, mode_t);

Result<void> put_own_key(const Settings& settings, Put put) {
    const auto key = crypto::Secret::random(32);
    auto encoded = codec::encode_base64(crypto::text_of(key.bytes()));
    GH_TRY(const auto directory, open_directory(keys_of(settings)));
    auto made = put(directory, own_key_file, encoded, 0600);
    crypto::wipe(encoded.data(), encoded.size());
    return made;
}

/// A start that was killed before it had made the seal has left one: nothing is sealed with it yet.
Result<void> make_own_key(const Settings& settings) {
    auto made = put_own_key(settings, create_file);
    if (!made && made.error().reason == "file.exists") return {};
    return made;
}

/// Keys that were sealed had a seal: another one opens none of them.
Result<void> check_nothing_sealed(pki::FileKeyStore& files, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        GH_TRY(const auto kept, files.load(name));
        if (!vault::SealedKeyStore::is_sealed(kept)) continue;
        return fail(ErrorKind::corrupt, "seal.missing",
                    "keys/" + name +
                        " is sealed, and keys/seal.json is gone: restore keys/ from a "
                        "backup");
    }
    return {};
}

Result<LockedSeal> open_or_make(const Settings& settings, pki::FileKeyStore& files) {
    const auto folder = keys_of(settings);
    GH_TRY(const bool sealed, vault::Seal::exists(folder));
    const auto protector = protector_of(settings);
    if (sealed) return open_locked(settings, *protector);
    GH_TRY(auto lock, lock_seal(settings));
    GH_TRY(const bool made, vault::Seal::exists(folder));
    if (made) {
        GH_TRY(auto seal, vault::Seal::open(folder, *protector));
        return LockedSeal{std::move(lock), std::move(seal)};
    }
    GH_TRY(const auto names, files.names());
    GH_TRY_VOID(check_nothing_sealed(files, names));
    if (settings.vault.sources().empty()) GH_TRY_VOID(make_own_key(settings));
    GH_TRY(auto seal, vault::Seal::make(folder, *protector));
    return LockedSeal{std::move(lock), std::move(seal)};
}

}  // namespace

Result<void> replace_own_key(const Settings& settings) {
    return put_own_key(settings, replace_file);
}

Result<bool> own_key_opens(const path& data_dir) {
    const auto keys = data_dir / "keys";
    return vault::Seal::opens_with(keys, *vault::key_file_protector(keys / own_key_file));
}

Result<void> drop_own_key(const Settings& settings) {
    const auto keys = keys_of(settings);
    GH_TRY(const auto lock, lock_seal(settings));
    GH_TRY(const bool needed, own_key_opens(settings.data_dir));
    if (needed) return {};
    GH_TRY(const auto directory, open_directory(keys));
    return remove_file(directory, own_key_file);
}

std::unique_ptr<vault::Protector> protector_of(const Settings& settings) {
    const auto& vault = settings.vault;
    if (vault.key_file) return vault::key_file_protector(*vault.key_file);
    if (!vault.key.empty()) return vault::key_protector(vault.key.view());
    if (!vault.passphrase.empty()) return vault::passphrase_protector(vault.passphrase.view());
    if (!vault.credential.empty())
        return vault::credential_protector(credentials_folder(), vault.credential);
    if (!vault.kernel_keyring.empty()) return vault::kernel_keyring_protector(vault.kernel_keyring);
    if (!vault.tpm.empty()) return vault::tpm_protector(vault.tpm);
    if (!vault.azure_key.empty()) return vault::azure_protector(vault.azure, vault.azure_key);
    return vault::key_file_protector(keys_of(settings) / own_key_file);
}

Result<FileLock> lock_seal(const Settings& settings) {
    auto lock = FileLock::acquire(keys_of(settings) / "seal.lock", patience);
    if (!lock && lock.error().reason == "file.locked")
        lock.error().detail += ", which makes or changes the seal, or saves it; try again";
    return lock;
}

Result<LockedSeal> open_locked(const Settings& settings, vault::Protector& protector) {
    const auto folder = keys_of(settings);
    auto before = vault::Seal::open(folder, protector);
    if (!before && before.error().kind == ErrorKind::unavailable)
        return std::unexpected(std::move(before).error());
    GH_TRY(auto lock, lock_seal(settings));
    GH_TRY(const bool same, before ? before->is_current() : Result<bool>(false));
    if (same) return LockedSeal{std::move(lock), *std::move(before)};
    // Changed meanwhile, or refused, which a change meanwhile may be the reason of.
    GH_TRY(auto seal, vault::Seal::open(folder, protector));
    return LockedSeal{std::move(lock), std::move(seal)};
}

Result<vault::SealedKeyStore> open_keys(const Settings& settings, vault::Seal& seal) {
    GH_TRY(auto files, pki::FileKeyStore::open(keys_of(settings)));
    GH_TRY(const auto names, files.names());
    return vault::SealedKeyStore::open(std::make_unique<pki::FileKeyStore>(std::move(files)), names,
                                       seal);
}

std::unique_ptr<vault::Keyring> keyring_of(const vault::Seal& seal) {
    constexpr std::string_view purpose = "data keys";
    return std::make_unique<vault::Keyring>(seal.derived_key(purpose), seal.former_key(purpose));
}

Result<vault::Barrier> files_of(crypto::Secret key) {
    return vault::Barrier().with(1, std::move(key));
}

Result<Unsealed> unseal(const Settings& settings, telemetry::Log* log) {
    GH_TRY(auto files, pki::FileKeyStore::open(keys_of(settings)));
    GH_TRY(auto opened, open_or_make(settings, files));
    auto& seal = opened.seal;
    GH_TRY(auto keys, open_keys(settings, seal));
    GH_TRY(auto sealed_files, files_of(seal.derived_key(files_purpose)));
    if (seal.renewing() && log != nullptr) {
        log->warning("vault",
                     "a new master key is not in use everywhere yet: stop, and bring it to its end "
                     "with gatehouse secrets rekey --master");
    }
    return Unsealed{std::make_unique<vault::SealedKeyStore>(std::move(keys)), keyring_of(seal),
                    std::move(sealed_files)};
}

}  // namespace gh::app
