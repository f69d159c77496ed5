#include "vault/sealed_key_store.hpp"

#include "base/try.hpp"

namespace gh::vault {
namespace {

using crypto::Secret;

/// Of the key store's values there is one key, made of the master key: they go with seal.json from one machine to another.
constexpr KeyId key_id = 0;
constexpr std::string_view purpose = "key store";

Place place_of(std::string_view name) { return {.kind = "key", .path = name, .version = 1}; }

}  // namespace

Result<SealedKeyStore> SealedKeyStore::open(std::unique_ptr<crypto::KeyStore> files,
                                            std::span<const std::string> names, Seal& seal) {
    GH_TRY(auto barrier, Barrier().with(key_id, seal.derived_key(purpose)));
    Barrier former;
    if (auto key = seal.former_key(purpose)) {
        GH_TRY(former, Barrier().with(key_id, *std::move(key)));
    }
    SealedKeyStore store(std::move(files), std::move(barrier), std::move(former));
    GH_TRY(const bool sealed_before, seal.keys_sealed());
    if (sealed_before) {
        GH_TRY_VOID(store.check_any_opens(names));
        return store;
    }
    for (const auto& name : names) GH_TRY_VOID(store.seal_in_place(name));
    GH_TRY_VOID(seal.note_keys_sealed());
    return store;
}

Result<void> SealedKeyStore::check_any_opens(std::span<const std::string> names) {
    Result<void> refused;
    for (const auto& name : names) {
        const auto value = load(name);
        if (value) return {};
        refused = std::unexpected(value.error());
    }
    return refused;
}

bool SealedKeyStore::is_sealed(const Secret& value) {
    return crypto::text_of(value.bytes()).starts_with(magic);
}

Result<void> SealedKeyStore::seal_in_place(std::string_view name) {
    GH_TRY(const auto kept, files_->load(name));
    if (!is_sealed(kept)) return store(name, kept);
    if (auto opened = unseal(name, kept); !opened) return std::unexpected(opened.error());
    return {};
}

Result<Secret> SealedKeyStore::unseal(std::string_view name, const Secret& kept) {
    const auto sealed = kept.bytes().subspan(magic.size());
    auto value = barrier_.open(sealed, place_of(name));
    if (!value && !former_.empty()) value = former_.open(sealed, place_of(name));
    if (value) return value;
    return fail(ErrorKind::corrupt, "key_store.unopened",
                "keys/" + std::string(name) +
                    " was changed, or sealed in another house; restore it from a backup together "
                    "with keys/" +
                    std::string(Seal::file_name));
}

Result<Secret> SealedKeyStore::load(std::string_view name) {
    GH_TRY(const auto kept, files_->load(name));
    if (is_sealed(kept)) return unseal(name, kept);
    return fail(ErrorKind::corrupt, "key_store.not_sealed",
                "keys/" + std::string(name) +
                    " is not sealed, and was not put there by this house; restore it from a "
                    "backup, or remove it if it is yours to make anew");
}

Result<bool> SealedKeyStore::renew(std::string_view name) {
    GH_TRY(const auto kept, files_->load(name));
    if (is_sealed(kept) && barrier_.open(kept.bytes().subspan(magic.size()), place_of(name)))
        return false;
    GH_TRY(const auto value, load(name));
    GH_TRY_VOID(store(name, value));
    return true;
}

Result<void> SealedKeyStore::store(std::string_view name, const Secret& value) {
    if (value.size() > value_bytes_max)
        return fail(ErrorKind::invalid_argument, "key_store.too_long");
    auto sealed = std::string(magic) + barrier_.seal(value.bytes(), place_of(name));
    return files_->store(name, Secret(sealed));
}

}  // namespace gh::vault
