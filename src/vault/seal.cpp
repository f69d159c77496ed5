#include "vault/seal.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/try.hpp"
#include "crypto/hkdf.hpp"
#include "crypto/xaes.hpp"

namespace gh::vault {
namespace {

constexpr std::size_t master_bytes = 32;
constexpr std::string_view proof_text = "every key is sealed";

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
        file.error().detail =
            path.string() + ": " + file.error().detail + "; restore it from a backup";
    }
    return file;
}

Result<void> write(const std::filesystem::path& folder, const SealFile& file) {
    GH_TRY(const auto directory, open_directory(folder));
    return replace_file(directory, Seal::file_name, text_of(file), 0600);
}

}  // namespace

bool Seal::exists(const std::filesystem::path& folder) {
    std::error_code unknown;
    return std::filesystem::exists(std::filesystem::symlink_status(folder / file_name, unknown));
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
        if (master || master.error().reason != "seal.wrong_key") break;
    }
    if (!master) return std::unexpected(std::move(master).error());
    if (master->size() != master_bytes)
        return fail(ErrorKind::corrupt, "seal.malformed", "the master key has another size");
    return Seal(folder, std::move(file), *std::move(master));
}

Result<Seal> Seal::make(const std::filesystem::path& folder, Protector& protector) {
    auto master = crypto::Secret::random(master_bytes);
    SealFile file;
    GH_TRY(auto recipient, protector.wrap(master));
    file.recipients.push_back(std::move(recipient));
    GH_TRY_VOID(write(folder, file));
    return Seal(folder, std::move(file), std::move(master));
}

crypto::Secret Seal::derived_key(std::string_view purpose) const {
    return crypto::hkdf_sha256(master_, {}, "gatehouse vault 1 " + std::string(purpose),
                               crypto::Xaes::key_bytes);
}

bool Seal::keys_sealed() const {
    const auto xaes = crypto::Xaes::of_key(derived_key("proof")).value();
    return xaes.open(crypto::bytes_of(file_.keys_sealed), crypto::bytes_of(proof_text)).has_value();
}

Result<void> Seal::note_keys_sealed() {
    const auto xaes = crypto::Xaes::of_key(derived_key("proof")).value();
    auto file = file_;
    file.keys_sealed = xaes.seal({}, crypto::bytes_of(proof_text));
    return replace(std::move(file));
}

Result<void> Seal::add(Protector& protector) {
    if (file_.recipients.size() >= SealFile::recipients_max)
        return fail(ErrorKind::exhausted, "seal.recipients", "the seal has 16 recipients already");
    auto file = file_;
    GH_TRY(auto recipient, protector.wrap(master_));
    file.recipients.push_back(std::move(recipient));
    return replace(std::move(file));
}

Result<void> Seal::move_to(Protector& protector) {
    auto file = file_;
    std::erase_if(file.recipients, [](const auto& each) { return each.kind != "recovery"; });
    GH_TRY(auto recipient, protector.wrap(master_));
    file.recipients.insert(file.recipients.begin(), std::move(recipient));
    return replace(std::move(file));
}

Result<void> Seal::replace(SealFile file) {
    GH_TRY_VOID(write(folder_, file));
    file_ = std::move(file);
    return {};
}

}  // namespace gh::vault
