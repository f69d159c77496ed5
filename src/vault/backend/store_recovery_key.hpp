#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "vault/protector.hpp"

namespace gh::vault {

/// Opens a store file when nothing else does. One key for both ways: whoever makes it has opened the store anyway, and not every
/// system that has such stores has curves. Another master key is sealed for it only by who has it.
class StoreRecoveryKey {
 public:
    static constexpr std::string_view prefix = "gatehouse-store-recovery-";
    static constexpr std::string_view kind = "recovery_key";

    [[nodiscard]] static StoreRecoveryKey generate();
    /// White space around does not count, nor a byte order mark; UTF-16LE with one is read as well.
    /// @return `invalid_argument` "seal.key_malformed"
    [[nodiscard]] static Result<StoreRecoveryKey> parse(std::string_view text);
    /// 22 characters: how the store names it, and how people tell one from the other.
    [[nodiscard]] std::string id() const;
    /// To be shown once.
    [[nodiscard]] crypto::Secret text() const;
    [[nodiscard]] std::unique_ptr<Protector> protector() const;

 private:
    explicit StoreRecoveryKey(crypto::Secret secret) : secret_(std::move(secret)) {}
    crypto::Secret secret_;
};

/// The id() of the key that a recipient is sealed for; null where it is of another kind.
[[nodiscard]] const std::string* recovery_id_of(const Recipient& recipient);

}  // namespace gh::vault
