#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/settings.hpp"
#include "base/error.hpp"
#include "crypto/key_store.hpp"
#include "net/certificate_files.hpp"
#include "net/tls_context.hpp"
#include "pki/acme_client/client.hpp"
#include "pki/internal_ca.hpp"
#include "telemetry/log.hpp"

namespace gh::app {

/// Everything listeners need to speak TLS: the internal CA and its leaf, certificates from files and their watch, the keys
/// of session tickets. One thread's: the one that starts and reloads.
class TlsMaterial {
 public:
    /// @param published_at  base URL of our /pki paths; empty: certificates do not say where
    [[nodiscard]] static Result<TlsMaterial> open(const std::filesystem::path& data_dir,
                                                  std::unique_ptr<crypto::KeyStore> keys,
                                                  SystemTime now, std::string published_at = {});

    [[nodiscard]] crypto::KeyStore& keys() { return *keys_; }
    [[nodiscard]] pki::InternalCa& ca() { return *ca_; }
    /// What was made or found last for listeners without files; nothing before that.
    [[nodiscard]] const std::optional<pki::IssuedCertificate>& internal_leaf() const {
        return leaf_;
    }
    [[nodiscard]] std::filesystem::path ca_file() const { return ca_->certificate_file(); }

    /// From now on a CA's certificates are looked for there. Outlives this.
    void set_client(pki::acme_client::Client& client) { client_ = &client; }

    /// Which of these names the internal CA may sign, whatever it was limited to.
    [[nodiscard]] std::vector<std::string> permitted(const std::vector<std::string>& names,
                                                     SystemTime now) const;
    /// Contexts of all listeners that there are come in between.
    void begin_plan() { internal_on_.clear(); }
    void end_plan() {
        if (internal_on_.empty()) leaf_.reset();
    }
    /// @param names  what the internal leaf speaks for, also where one of a CA is wanted and there is none
    /// @param of_ca  the CA's, where the listener wants one; null: there is none whose time it is
    /// @return errors of pki, of the files, of net::TlsContext
    [[nodiscard]] Result<std::shared_ptr<const net::TlsContext>> context(
        const net::ListenerConfig& listener, const std::vector<std::string>& names, SystemTime now,
        const std::shared_ptr<const pki::acme_client::Leaf>& of_ca = nullptr);

    /// Whether a context made now would differ: a certificate file changed and can be used, a CA gave another one or its
    /// last has ended, or the internal leaf is due, revoked, or hangs on another intermediate than the one that issues.
    /// A pair that is no good is reported once and the one in use stays. A leaf that stays due, as it cannot be renewed, is
    /// due again after 10 s, then each time twice as long, up to an hour.
    [[nodiscard]] bool changed(const Settings& settings, SystemTime now, telemetry::Log& log);
    /// Contexts that were made are not served: changed() in 10 s, then each time twice as long, up to an hour.
    void not_served(SystemTime now);
    /// The keys of tickets, what is stapled to the internal leaf, and each five seconds the internal CA, which another
    /// process may have renewed.
    void keep_fresh(SystemTime now, telemetry::Log& log);

 private:
    TlsMaterial() = default;
    [[nodiscard]] Result<net::CertificateChain> chain_of(const net::CertificateFiles& files);
    [[nodiscard]] Result<void> add_internal_leaf(net::TlsServerSettings& settings,
                                                 const std::vector<std::string>& names,
                                                 SystemTime now);
    [[nodiscard]] bool other_leaf_of_ca(SystemTime now);
    [[nodiscard]] bool wanted_again(SystemTime now);
    [[nodiscard]] bool leaf_due(SystemTime now, telemetry::Log& log);
    [[nodiscard]] Result<void> staple(SystemTime now);
    void look_at_ca(SystemTime now, telemetry::Log& log);

    std::unique_ptr<crypto::KeyStore> keys_;
    std::unique_ptr<pki::InternalCa> ca_;
    std::shared_ptr<net::TicketKeys> tickets_;
    struct Watched {
        net::CertificateWatcher watcher;
        net::CertificateChain chain;  // in use
    };
    std::map<std::string, Watched> watched_;      // by both paths
    std::optional<pki::IssuedCertificate> leaf_;  // without its key
    std::set<std::string> internal_on_;           // listeners that serve with it
    pki::acme_client::Client* client_ = nullptr;
    std::shared_ptr<const pki::acme_client::Leaf> of_ca_;  // served, or tried last; null: none
    std::shared_ptr<net::Staple> staple_;
    std::string stapled_;  // serial it is about
    SystemTime stapled_at_;
    std::optional<SystemTime> not_served_at_;
    std::chrono::seconds not_served_pause_{0};
    SystemTime ca_looked_at_;
    bool ca_failing_ = false;
    SystemTime leaf_tried_;
    std::chrono::seconds leaf_pause_{0};  // after leaf_tried_; 0: it is not due
};

/// By the settings, now.
/// @return errors of TlsMaterial::open()
[[nodiscard]] Result<std::unique_ptr<TlsMaterial>> open_tls(const Settings& settings,
                                                            std::unique_ptr<crypto::KeyStore> keys);

}  // namespace gh::app
