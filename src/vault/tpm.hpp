#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "crypto/secret.hpp"

namespace gh::vault {

/// A TPM 2.0 (TCG TPM 2.0 Library, part 3). One at a time talks to a device; it is left as it was found: nothing is stored there.
///
/// Errors: `unavailable` "seal.tpm": it is not there, not ours to open, or refuses; the detail says what to look at.
class Tpm {
 public:
    static constexpr std::size_t blob_bytes_max = 700;

    /// What the TPM sealed: of no use to any other. No secrets.
    struct Blob {
        std::string public_part,
            private_part;  ///< TPM2B_PUBLIC and TPM2B_PRIVATE, as they are sent
    };

    /// @param device  "/dev/tpmrm0", or "swtpm:path=SOCKET", "swtpm:host=127.0.0.1,port=2321": a TPM in software
    [[nodiscard]] static Result<Tpm> open(const std::string& device);

    /// Below the storage root key (ECC P-256) of the owner's hierarchy, whose authorization is empty. On the bus the value is
    /// encrypted (a session salted for the root key).
    /// @param value  at most 128 bytes
    [[nodiscard]] Result<Blob> seal(const crypto::Secret& value);
    /// @return also `permission_denied` "seal.wrong_key": another TPM, or one that was cleared; `corrupt` "seal.malformed"
    [[nodiscard]] Result<crypto::Secret> unseal(const Blob& blob);

    Tpm(Tpm&&) noexcept;
    Tpm& operator=(Tpm&&) noexcept;
    ~Tpm();

 private:
    struct State;
    explicit Tpm(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace gh::vault
