#include "app/unseal.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "pki/key_store.hpp"
#include "vault/sealed_key_store.hpp"

namespace gh::app {
namespace {

using std::filesystem::path;

constexpr auto patience = std::chrono::seconds(10);

path keys_of(const Settings& settings) { return settings.data_dir / "keys"; }

/// A file that lies in the folder that systemd made for this service.
path credential_file(const std::string& name) {
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    return path(folder != nullptr ? folder : "/run/credentials") / name;
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

Result<vault::Seal> open_or_make(const Settings& settings, pki::FileKeyStore& files,
                                 const std::vector<std::string>& names) {
    const auto folder = keys_of(settings);
    const auto protector = protector_of(settings);
    if (vault::Seal::exists(folder)) return vault::Seal::open(folder, *protector);
    GH_TRY_VOID(check_nothing_sealed(files, names));
    if (settings.vault.sources().empty()) GH_TRY_VOID(make_own_key(settings));
    return vault::Seal::make(folder, *protector);
}

}  // namespace

Result<void> make_own_key(const Settings& settings) {
    const auto folder = keys_of(settings);
    std::error_code unknown;
    if (std::filesystem::exists(folder / own_key_file, unknown)) return {};
    const auto key = crypto::Secret::random(32);
    auto text = codec::encode_base64(crypto::text_of(key.bytes())) + "\n";
    GH_TRY(const auto directory, open_directory(folder));
    auto made = replace_file(directory, own_key_file, text, 0600);
    crypto::wipe(text.data(), text.size());
    return made;
}

std::unique_ptr<vault::Protector> protector_of(const Settings& settings) {
    const auto& vault = settings.vault;
    if (vault.key_file) return vault::key_file_protector(*vault.key_file);
    if (!vault.key.empty()) return vault::key_protector(vault.key.view());
    if (!vault.passphrase.empty()) return vault::passphrase_protector(vault.passphrase.view());
    if (!vault.credential.empty())
        return vault::key_file_protector(credential_file(vault.credential));
    if (!vault.kernel_keyring.empty()) return vault::kernel_keyring_protector(vault.kernel_keyring);
    return vault::key_file_protector(keys_of(settings) / own_key_file);
}

Result<FileLock> lock_seal(const Settings& settings) {
    return FileLock::acquire(keys_of(settings) / "seal.lock", patience);
}

Result<Unsealed> unseal(const Settings& settings) {
    GH_TRY(auto files, pki::FileKeyStore::open(keys_of(settings)));
    GH_TRY(const auto lock, lock_seal(settings));
    GH_TRY(const auto names, files.names());
    GH_TRY(auto opened, open_or_make(settings, files, names));
    auto seal = std::make_unique<vault::Seal>(std::move(opened));
    GH_TRY(auto keys, vault::SealedKeyStore::open(
                          std::make_unique<pki::FileKeyStore>(std::move(files)), names, *seal));
    return Unsealed{std::move(seal), std::make_unique<vault::SealedKeyStore>(std::move(keys))};
}

}  // namespace gh::app
