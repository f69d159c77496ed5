#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "pki/authority.hpp"
#include "pki/crl.hpp"
#include "pki/revoked.hpp"

namespace gh::pki {

/// As long as somebody may take to fetch a root that is locked away.
inline constexpr std::chrono::days root_list_lifetime{365};

/// A certificate of an intermediate, and since when it is good no more.
struct SignedIntermediate {
    std::string serial;  ///< as crypto::serial_of() has it
    std::string key_id;  ///< as crypto::key_id_of() has it: renewed ones have the same
    SystemTime not_after;
    std::optional<SystemTime> revoked_at = {};
    RevocationReason reason{};
    friend bool operator==(const SignedIntermediate&, const SignedIntermediate&) = default;
};

/// What a root has signed, and its list of what it revoked of that (RFC 5280 §5).
class RootList {
 public:
    /// Where there are so many, the intermediate is renewed with another key only. They fit into half a value of the key
    /// store, so that they can be revoked and more can come.
    static constexpr std::size_t intermediates_max = 128;

    /// What text() gave, wherever it stands in `text`; nothing there: an empty one, without a list.
    /// @return `corrupt` "ca.list_unreadable"
    [[nodiscard]] static Result<RootList> read(std::string_view text);
    /// Lines that may stand behind PEM; docs/formats/keys.md.
    [[nodiscard]] std::string text() const;

    /// Known ones are passed over.
    void remember(const Authority& intermediate);
    /// All whose life is not over, from the next sign() on. @return their serials, of those that were not revoked before
    std::vector<std::string> revoke_all(RevocationReason reason, SystemTime now);
    /// Signs the list anew, and forgets what need not be on it: a revoked certificate has to be on one that was made after its
    /// end (RFC 5280 §3.3).
    /// @return errors of make_crl()
    [[nodiscard]] Result<void> sign(const Authority& root, SystemTime now);

    /// Whether sign() is due: there is no list, or a third of its life is left.
    [[nodiscard]] bool due(SystemTime now) const;
    [[nodiscard]] bool full() const { return intermediates_.size() >= intermediates_max; }
    /// As it is served; null before the first sign().
    [[nodiscard]] const std::shared_ptr<const Crl>& crl() const { return crl_; }
    [[nodiscard]] const std::vector<SignedIntermediate>& intermediates() const {
        return intermediates_;
    }
    /// Keys of the revoked ones, sorted.
    [[nodiscard]] std::vector<std::string> revoked_keys() const;

 private:
    [[nodiscard]] Result<void> read_line(std::string_view line);

    std::vector<SignedIntermediate> intermediates_;
    std::shared_ptr<const Crl> crl_;
};

}  // namespace gh::pki
