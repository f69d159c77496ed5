#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/certificate_revocations.hpp"
#include "base/clock.hpp"

namespace gh::pki {

/// Why a certificate ended (RFC 5280 §5.3.1): those that are for good.
enum class RevocationReason : std::uint8_t {
    unspecified = 0,
    key_compromise = 1,
    affiliation_changed = 3,
    superseded = 4,
    cessation_of_operation = 5,
    privilege_withdrawn = 9,
};
[[nodiscard]] std::string_view name_of(RevocationReason reason);
/// By "key_compromise", ...; nothing for any other word.
[[nodiscard]] std::optional<RevocationReason> revocation_reason_of(std::string_view name);
/// By its number; nothing for those that are not for good or not an operator's to say.
[[nodiscard]] std::optional<RevocationReason> revocation_reason_of_code(std::int64_t code);

struct RevokedCertificate {
    std::string serial;
    std::string issuer_key_id;
    RevocationReason reason{};
    SystemTime revoked_at;
    SystemTime not_after;
    friend bool operator==(const RevokedCertificate&, const RevokedCertificate&) = default;
};

/// The revoked certificates of the moment, of every issuer that writes into the database. From any thread.
class RevokedCertificates final : public access::CertificateRevocations {
 public:
    /// @param serial  as crypto::serial_of() has it. Serials are 128 random bits, and a signature can be bent so that the
    ///                fingerprint is another: the serial decides, whoever signed
    [[nodiscard]] bool covers_serial(std::string_view serial) const override;
    [[nodiscard]] bool covers_authority(std::string_view key_id) const override;
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::optional<RevokedCertificate> find(std::string_view serial) const;
    /// Those of one issuer whose life was not over at `alive_at`: what its CRL lists.
    [[nodiscard]] std::vector<RevokedCertificate> of_issuer(std::string_view key_id,
                                                            SystemTime alive_at) const;

    /// Holds on this node from the next request on. Known ones are passed over.
    void add(std::vector<RevokedCertificate> some);
    /// Keys of intermediates whose certificates are all revoked: what they signed is over, whoever has them now. In place of
    /// those that were said before.
    void set_authorities(std::vector<std::string> key_ids);
    /// Those whose life was over by then.
    void forget(SystemTime over_before);
    /// Counts the changes.
    [[nodiscard]] std::uint64_t generation() const {
        return generation_.load(std::memory_order_acquire);
    }
    /// Called after each change, by whichever thread made it. While no other thread adds.
    void on_change(std::function<void()> call) { on_change_ = std::move(call); }

 private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::function<void()> on_change_;
    std::atomic<std::uint64_t> generation_ = 1;
    std::atomic<bool> any_ = false;  // without any, nobody takes the lock
    std::atomic<bool> any_authority_ = false;
    mutable std::shared_mutex mutex_;
    std::vector<std::string> authorities_;  // sorted
    std::unordered_map<std::string, RevokedCertificate, Hash, std::equal_to<>> by_serial_;
};

}  // namespace gh::pki
