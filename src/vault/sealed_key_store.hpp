#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "crypto/key_store.hpp"
#include "vault/barrier.hpp"
#include "vault/seal.hpp"

namespace gh::vault {

/// A key store whose values rest sealed in another one. Each is bound to its name.
class SealedKeyStore final : public crypto::KeyStore {
 public:
    /// What a sealed value begins with, in front of the barrier's; so keys of before the vault are told apart.
    static constexpr std::string_view magic = "gatehouse-sealed-key-1\n";

    /// Seals what is not sealed yet, the first time; from then on what is not sealed is refused: somebody put it there. Where
    /// none of them opens, the seal is not theirs, be it that it was theirs once: nothing may be made with it beside them.
    /// @param names  of everything in `files`
    /// @return       errors of `files` and of Seal; `corrupt` "key_store.unopened": a value of another house
    [[nodiscard]] static Result<SealedKeyStore> open(std::unique_ptr<crypto::KeyStore> files,
                                                     std::span<const std::string> names,
                                                     Seal& seal);

    /// Does it look like something this class stored?
    [[nodiscard]] static bool is_sealed(const crypto::Secret& value);

    /// @return also `corrupt` "key_store.unopened" (changed, renamed, or of another house) or "key_store.not_sealed"
    [[nodiscard]] Result<crypto::Secret> load(std::string_view name) override;
    [[nodiscard]] Result<void> store(std::string_view name, const crypto::Secret& value) override;
    /// Seals it with the new master key, if it is sealed with the former one: whether it was. @return also errors of load()
    [[nodiscard]] Result<bool> renew(std::string_view name);

 private:
    SealedKeyStore(std::unique_ptr<crypto::KeyStore> files, Barrier barrier, Barrier former)
        : files_(std::move(files)), barrier_(std::move(barrier)), former_(std::move(former)) {}
    [[nodiscard]] Result<crypto::Secret> unseal(std::string_view name, const crypto::Secret& kept);
    [[nodiscard]] Result<void> check_any_opens(std::span<const std::string> names);
    [[nodiscard]] Result<void> seal_in_place(std::string_view name);

    std::unique_ptr<crypto::KeyStore> files_;
    Barrier barrier_;
    Barrier former_;  ///< empty: no renewal of the master key is under way
};

}  // namespace gh::vault
