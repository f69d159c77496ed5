#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "vault/protector.hpp"
#include "vault/seal_file.hpp"

namespace gh::vault {

/// The master key, 256 bits, opened. It rests in DATA/keys/seal.json, sealed for each recipient; nothing is sealed with it
/// itself, but with keys that are derived from it.
class Seal {
 public:
    static constexpr std::string_view file_name = "seal.json";

    /// Is there one yet? @return `unavailable` "file.io": nobody can tell, so none may be made
    [[nodiscard]] static Result<bool> exists(const std::filesystem::path& folder);
    /// @param folder  DATA/keys, which is there
    /// @return errors of the protector; `conflict` "seal.other_protector": it is sealed for others; `corrupt`
    ///         "seal.malformed", `conflict` "seal.newer", `unavailable` "file.io"; details say what to do
    [[nodiscard]] static Result<Seal> open(const std::filesystem::path& folder,
                                           Protector& protector);
    /// Is it sealed for this one? One whose key is not there opens nothing.
    /// @return errors of open() that leave it in doubt: a key or a seal that cannot be read
    [[nodiscard]] static Result<bool> opens_with(const std::filesystem::path& folder,
                                                 Protector& protector);
    /// Kinds of those who can open it: "key, recovery". It need not be opened for that.
    /// @return `corrupt` "seal.malformed", `unavailable` "file.io"
    [[nodiscard]] static Result<std::string> kinds(const std::filesystem::path& folder);
    /// Makes a master key. Under the caller's lock, where there is none yet. @return also `conflict` "file.exists"
    [[nodiscard]] static Result<Seal> make(const std::filesystem::path& folder,
                                           Protector& protector);

    /// Does the file still say what was read? @return `corrupt` "seal.malformed", `unavailable` "file.io"
    [[nodiscard]] Result<bool> is_current() const;

    /// 32 bytes for one purpose.
    [[nodiscard]] crypto::Secret derived_key(std::string_view purpose) const;

    /// Was everything in the key store sealed once, so that what is not was put there by somebody else?
    /// @return `corrupt` "seal.malformed": something says so, and not with this master key
    [[nodiscard]] Result<bool> keys_sealed() const;
    [[nodiscard]] Result<void> note_keys_sealed();

    /// One more who can open it.
    /// @return `exhausted` "seal.recipients"
    [[nodiscard]] Result<void> add(Protector& protector);
    /// The recovery key with this public half, in base64, opens it no more. @return `not_found` "seal.no_such_recovery_key"
    [[nodiscard]] Result<void> withdraw(std::string_view public_key);
    /// From now on this one and the recovery keys can open it, and nobody else. The master key stays what it was: what
    /// opened an older copy of the seal opens everything, if it meets with that copy, until a renewal.
    [[nodiscard]] Result<void> move_to(Protector& protector);

    /// Public halves of the recovery keys, in base64.
    [[nodiscard]] std::vector<std::string> recovery_keys() const;
    /// Those of them that nothing proves to be of this house: those that an older gatehouse made, or
    /// somebody who can write to the folder.
    [[nodiscard]] std::vector<std::string> unproven() const;
    /// Another master key in the place of this one, sealed for `protector` and the recovery keys. derived_key() is the new
    /// one's from then on; former_key() opens what is yet to be sealed anew. Goes on with one that was cut short. Under the
    /// caller's lock, with nobody else at work who has opened the seal before.
    /// @param known  recovery keys that the caller vouches for, which unproven() names
    /// @return `conflict` "seal.recovery_unproven", which names all of them, and errors of the protector: nothing has changed
    ///         then; `unavailable` "file.io": it may have
    [[nodiscard]] Result<void> begin_renewal(Protector& protector,
                                             std::span<const std::string> known);
    /// Nothing is sealed with the former master key any more: it is forgotten.
    [[nodiscard]] Result<void> end_renewal();
    [[nodiscard]] bool renewing() const { return former_.has_value(); }
    /// derived_key() of the master key of before. @return nothing where no renewal is under way
    [[nodiscard]] std::optional<crypto::Secret> former_key(std::string_view purpose) const;

 private:
    Seal(std::filesystem::path folder, SealFile file, crypto::Secret master)
        : folder_(std::move(folder)), file_(std::move(file)), master_(std::move(master)) {}
    [[nodiscard]] Result<void> open_former();
    [[nodiscard]] Result<void> check_known(std::span<const std::string> known) const;
    /// The file first. What failed has not changed this; the file may have where its folder could not be flushed.
    [[nodiscard]] Result<void> replace(SealFile file);

    std::filesystem::path folder_;
    SealFile file_;
    crypto::Secret master_;
    std::optional<crypto::Secret> former_;
};

}  // namespace gh::vault
