#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "access/certificate_revocations.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/key_store.hpp"
#include "pki/authority.hpp"
#include "pki/root_list.hpp"

namespace gh::pki {

/// What clients trust: ca.pem.
class RootCertificate {
 public:
    explicit RootCertificate(crypto::X509Handle certificate);
    [[nodiscard]] const std::string& certificate_pem() const { return pem_; }
    [[nodiscard]] std::string fingerprint() const;
    [[nodiscard]] SystemTime not_after() const;
    /// Whether its key signed `certificate`; its times are not looked at.
    [[nodiscard]] bool signed_this(X509* certificate) const;

 private:
    crypto::X509Handle certificate_;
    std::string pem_;
};

/// How the intermediate is signed anew.
struct Renewal {
    const Authority* root = nullptr;  ///< from open_root(); null: the one in the key store
    std::optional<NameConstraints> constraints = {};  ///< unset: those it has
    /// It gets another key, and the root revokes for this all that it had; unset: it keeps its key.
    std::optional<RevocationReason> revoke = {};
};

/// The authority that a house without certificates of its own starts with: a root that clients trust, an intermediate
/// below it that issues, and the certificate the house serves with.
/// Any number of processes may do this on one data directory at once: they take turns, and all get the same.
/// The root's key is read when the intermediate is to be signed, and not kept in memory; it may have been taken away.
class InternalCa {
 public:
    /// Loads root and intermediate, or makes them at the first start, and sees to `<data_dir>/ca.pem` (certificate only,
    /// 0644). A root that is there and cannot be read is an error: a new one would silently break every client.
    /// The root's list is signed with the intermediate, and when a third of its life is left, where the root's key is here.
    /// @param published_at  base URL of our /pki paths, for extensions of what is signed; empty: there are none
    /// @param root  from open_root(), for an intermediate that cannot do without it; null: there is none at hand
    /// @return also `unavailable` "ca.locked" when another process holds the lock for ten seconds, "ca.io",
    ///         "ca.root_offline" when an intermediate is wanted and the root's key is elsewhere;
    ///         `corrupt` "ca.key_lost" when ca.pem is there and its key is not
    [[nodiscard]] static Result<InternalCa> open(crypto::KeyStore& keys,
                                                 std::filesystem::path data_dir, SystemTime now,
                                                 std::string published_at = {},
                                                 const Authority* root = nullptr);

    /// The stored leaf called `name`, or a new one: when there is none that can be used, when the names differ from
    /// `request`, when it was revoked, or when renewal is due. Call it at every start, and when refresh() found another
    /// intermediate.
    /// @param name  a token, as crypto::KeyStore wants them: "public" is kept as "leaf-public"
    [[nodiscard]] Result<IssuedCertificate> leaf(std::string_view name, const LeafRequest& request,
                                                 SystemTime now);

    /// From now on, leaves that these cover are not used again. They outlive its use.
    void heed(const access::CertificateRevocations& revocations) { revocations_ = &revocations; }
    /// `call` hears of each root's list before its intermediate issues, of the one there is now at once; empty: no more.
    void on_list(std::function<void(const RootList&)> call);
    [[nodiscard]] bool revoked(std::string_view serial) const {
        return revocations_ != nullptr && revocations_->covers_serial(serial);
    }

    /// Signs the intermediate anew, and the root's list with it: a process that is killed leaves both old or both new.
    /// @return serials that were revoked; also `invalid_argument` "ca.other_root" when the root is not the one clients trust,
    ///         `exhausted` "ca.renewed_too_often"
    [[nodiscard]] Result<std::vector<std::string>> renew(const Renewal& renewal, SystemTime now);

    /// Takes over what another process has stored, and renews what is due where the root's key is here. Call it every few
    /// seconds: while nothing is due it reads one value of the store, and waits for nobody.
    [[nodiscard]] Result<void> refresh(SystemTime now);

    /// The root with its key. @return `unavailable` "ca.root_offline"
    [[nodiscard]] Result<Authority> root_with_key() const;
    /// Takes the root's key out of the key store, after it has signed another list; its certificate stays. Once it is safe
    /// elsewhere.
    [[nodiscard]] Result<void> forget_root_key(SystemTime now);

    [[nodiscard]] const RootCertificate& root() const { return *root_; }
    /// Who issues now. From any thread.
    [[nodiscard]] std::shared_ptr<const Authority> issuer() const;
    /// What the root signed and revoked. From any thread; never null.
    [[nodiscard]] std::shared_ptr<const RootList> root_list() const;
    [[nodiscard]] std::filesystem::path certificate_file() const { return data_dir_ / "ca.pem"; }

 private:
    InternalCa(crypto::KeyStore& keys, std::filesystem::path data_dir, RootCertificate root,
               std::string published_at);
    /// @return `invalid_argument` "ca.other_root"
    [[nodiscard]] Result<void> check_same(const Authority& root) const;
    /// One value of the store, so that no crash can part them.
    struct Issuing {
        Authority issuer;
        RootList list;
    };
    /// The stored intermediate below this root; nothing where there is none.
    [[nodiscard]] Result<std::optional<Issuing>> stored() const;
    // Under the lock.
    [[nodiscard]] Result<void> settle(SystemTime now, const Authority* offline = nullptr);
    /// @return serials that were revoked
    [[nodiscard]] Result<std::vector<std::string>> sign(const Authority& root,
                                                        std::optional<Issuing> before,
                                                        const Renewal& renewal, SystemTime now);
    [[nodiscard]] Result<void> keep(Issuing issuing);
    void set(Issuing issuing);

    struct Current {
        mutable std::mutex mutex;
        std::shared_ptr<const Authority> issuer;
        std::shared_ptr<const RootList> list;
    };
    crypto::KeyStore* keys_;
    std::filesystem::path data_dir_;
    std::unique_ptr<RootCertificate> root_;
    std::string published_at_;
    const access::CertificateRevocations* revocations_ = nullptr;
    std::function<void(const RootList&)> on_list_;
    std::unique_ptr<Current> current_ = std::make_unique<Current>();
};

/// Due when a third of the life is left, and when it has not begun (the clock was set back).
[[nodiscard]] bool renewal_due(SystemTime not_before, SystemTime not_after, SystemTime now);

}  // namespace gh::pki
