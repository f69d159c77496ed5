#include "vault/seal.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/try.hpp"
#include "crypto/xaes.hpp"
#include "vault/wrapping.hpp"

namespace gh::vault {
namespace {

constexpr std::size_t master_bytes = 32, public_key_bytes = 32;
constexpr std::string_view proof_text = "every key is sealed";
constexpr std::string_view former_text = "the master key of before";

/// Of a key that is one.
crypto::Xaes xaes_of(const crypto::Secret& master, std::string_view purpose) {
    return crypto::Xaes::of_key(derived_from(master, purpose)).value();
}

std::string proof_of(const crypto::Secret& master) {
    return xaes_of(master, "proof").seal({}, crypto::bytes_of(proof_text));
}

/// Sealed for it, and opened again: what nobody can open must not take the place of what somebody can. Who may have a key
/// wrapped elsewhere need not be who may have it unwrapped.
Result<Recipient> wrap_surely(Protector& protector, const crypto::Secret& master) {
    GH_TRY(auto recipient, protector.wrap(master));
    GH_TRY(const auto back, protector.unwrap(recipient));
    if (crypto::constant_time_equal(back.bytes(), master.bytes())) return recipient;
    return fail(ErrorKind::corrupt, "seal.malformed",
                protector.name() + " does not give back what it sealed");
}

std::string kinds_of(const SealFile& file) {
    std::string kinds;
    for (const auto& each : file.recipients) kinds += (kinds.empty() ? "" : ", ") + each.kind;
    return kinds;
}

Result<SealFile> read(const std::filesystem::path& folder) {
    const auto path = folder / Seal::file_name;
    GH_TRY(const auto text, read_file_at(path, SealFile::bytes_max));
    auto file = parse_seal_file(text);
    if (!file) {
        const bool damaged = file.error().kind == ErrorKind::corrupt;
        file.error().detail = path.string() + ": " + file.error().detail +
                              (damaged ? "; restore it from a backup" : "");
    }
    return file;
}

/// May another recipient be the one who opens it?
bool goes_on_after(const Error& error) {
    return error.reason == "seal.wrong_key" || error.reason == "seal.malformed";
}

}  // namespace

Result<bool> Seal::exists(const std::filesystem::path& folder) {
    return file_exists(folder / file_name);
}

Result<std::string> Seal::kinds(const std::filesystem::path& folder) {
    GH_TRY(const auto file, read(folder));
    return kinds_of(file);
}

Result<Seal> Seal::open(const std::filesystem::path& folder, Protector& protector) {
    GH_TRY(auto file, read(folder));
    Result<crypto::Secret> master =
        fail(ErrorKind::conflict, "seal.other_protector",
             "the vault is sealed for: " + kinds_of(file) + "; the configuration names " +
                 protector.name() +
                 ". Configure what it is sealed for, or move it: gatehouse secrets unseal --help");
    for (const auto& each : file.recipients) {
        if (each.kind != protector.kind()) continue;
        master = protector.unwrap(each);
        if (master || !goes_on_after(master.error())) break;
    }
    if (!master) return std::unexpected(std::move(master).error());
    if (master->size() != master_bytes)
        return fail(ErrorKind::corrupt, "seal.malformed", "the master key has another size");
    Seal seal(folder, std::move(file), *std::move(master));
    GH_TRY_VOID(seal.open_former());
    return seal;
}

Result<void> Seal::open_former() {
    if (file_.former.empty()) return {};
    auto former = xaes_of(master_, "former")
                      .open(crypto::bytes_of(file_.former), crypto::bytes_of(former_text));
    if (!former || former->size() != master_bytes) {
        return fail(ErrorKind::corrupt, "seal.malformed",
                    (folder_ / file_name).string() +
                        ": former was changed; restore all of keys/ from a backup");
    }
    former_ = *std::move(former);
    return {};
}

Result<bool> Seal::opens_with(const std::filesystem::path& folder, Protector& protector) {
    const auto opened = open(folder, protector);
    if (opened) return true;
    const auto& error = opened.error();
    if (error.reason == "seal.wrong_key" || error.reason == "seal.other_protector" ||
        error.kind == ErrorKind::not_found)
        return false;
    return std::unexpected(error);
}

Result<Seal> Seal::make(const std::filesystem::path& folder, Protector& protector) {
    auto master = crypto::Secret::random(master_bytes);
    SealFile file;
    GH_TRY(auto recipient, wrap_surely(protector, master));
    file.recipients.push_back(std::move(recipient));
    GH_TRY(const auto directory, open_directory(folder));
    GH_TRY_VOID(create_file(directory, file_name, vault::text_of(file), 0600));
    return Seal(folder, std::move(file), std::move(master));
}

Result<bool> Seal::is_current() const {
    GH_TRY(const auto file, read(folder_));
    return file == file_;
}

crypto::Secret Seal::derived_key(std::string_view purpose) const {
    return derived_from(master_, purpose);
}

std::optional<crypto::Secret> Seal::former_key(std::string_view purpose) const {
    if (!former_) return {};
    return derived_from(*former_, purpose);
}

Result<bool> Seal::keys_sealed() const {
    if (file_.keys_sealed.empty()) return false;
    if (xaes_of(master_, "proof")
            .open(crypto::bytes_of(file_.keys_sealed), crypto::bytes_of(proof_text)))
        return true;
    return fail(
        ErrorKind::corrupt, "seal.malformed",
        (folder_ / file_name).string() + ": keys_sealed was changed; restore it from a backup");
}

Result<void> Seal::note_keys_sealed() {
    auto file = file_;
    file.keys_sealed = proof_of(master_);
    return replace(std::move(file));
}

Result<void> Seal::add(Protector& protector) {
    if (file_.recipients.size() >= SealFile::recipients_max)
        return fail(
            ErrorKind::exhausted, "seal.recipients",
            "the seal has 16 recipients already; withdraw a recovery key that nobody needs: "
            "gatehouse secrets recovery-key --list, then --withdraw PUBLIC_KEY");
    auto file = file_;
    GH_TRY(auto recipient, protector.wrap(master_));
    file.recipients.push_back(std::move(recipient));
    return replace(std::move(file));
}

Result<void> Seal::withdraw(std::string_view public_key) {
    auto file = file_;
    const auto gone = std::erase_if(file.recipients, [&](const auto& each) {
        const auto* known = each.parameter("public_key");
        return each.kind == "recovery" && known != nullptr && *known == public_key;
    });
    if (gone > 0) return replace(std::move(file));
    return fail(ErrorKind::not_found, "seal.no_such_recovery_key",
                "no recovery key has the public key " + std::string(public_key) +
                    "; gatehouse secrets recovery-key --list shows those that there are");
}

Result<void> Seal::move_to(Protector& protector) {
    auto file = file_;
    std::erase_if(file.recipients, [](const auto& each) { return each.kind != "recovery"; });
    GH_TRY(auto recipient, wrap_surely(protector, master_));
    file.recipients.insert(file.recipients.begin(), std::move(recipient));
    return replace(std::move(file));
}

std::vector<std::string> Seal::recovery_keys() const {
    std::vector<std::string> keys;
    for (const auto& each : file_.recipients) {
        if (each.kind == "recovery" && octets_parameter(each, "public_key", public_key_bytes))
            keys.push_back(*each.parameter("public_key"));
    }
    return keys;
}

std::vector<std::string> Seal::unproven() const {
    auto keys = recovery_keys();
    std::erase_if(keys, [&](const std::string& key) {
        return std::ranges::any_of(file_.recipients, [&](const Recipient& each) {
            const auto* public_key = each.parameter("public_key");
            return each.kind == "recovery" && public_key != nullptr && *public_key == key &&
                   is_proven(each, master_);
        });
    });
    return keys;
}

Result<void> Seal::check_known(std::span<const std::string> known) const {
    auto strange = unproven();
    std::erase_if(strange, [&](const std::string& key) {
        return std::ranges::find(known, key) != known.end();
    });
    if (strange.empty()) return {};
    std::string named, kept, withdrawn;
    for (const auto& key : strange) {
        named += (named.empty() ? "" : ", ") + key;
        kept += " --keep-recovery-key " + key;
        withdrawn += "; gatehouse secrets recovery-key --withdraw " + key;
    }
    return fail(ErrorKind::conflict, "seal.recovery_unproven",
                "nothing proves that the recovery key " + named +
                    " is of this house: an older gatehouse made it, or somebody put it there, who "
                    "would have the new master key. If recovery-key has said that public key when "
                    "you made it, add" +
                    kept + "; if not" + withdrawn);
}

Result<void> Seal::begin_renewal(Protector& protector, std::span<const std::string> known) {
    if (renewing()) return {};
    GH_TRY_VOID(check_known(known));
    auto master = crypto::Secret::random(master_bytes);
    SealFile file;
    GH_TRY(auto recipient, wrap_surely(protector, master));
    file.recipients.push_back(std::move(recipient));
    for (const auto& key : recovery_keys()) {
        GH_TRY(auto recovery, wrap_for_recovery(key, master));
        file.recipients.push_back(std::move(recovery));
    }
    GH_TRY(const bool sealed, keys_sealed());
    if (sealed) file.keys_sealed = proof_of(master);
    file.former = xaes_of(master, "former").seal(master_.bytes(), crypto::bytes_of(former_text));
    GH_TRY_VOID(replace(std::move(file)));
    former_ = std::exchange(master_, std::move(master));
    return {};
}

Result<void> Seal::end_renewal() {
    auto file = file_;
    file.former.clear();
    GH_TRY_VOID(replace(std::move(file)));
    former_.reset();
    return {};
}

Result<void> Seal::replace(SealFile file) {
    GH_TRY(const auto directory, open_directory(folder_));
    GH_TRY_VOID(replace_file(directory, file_name, vault::text_of(file), 0600));
    file_ = std::move(file);
    return {};
}

}  // namespace gh::vault
