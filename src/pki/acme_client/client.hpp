#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "access/http_proofs.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/key_store.hpp"
#include "net/resolver.hpp"
#include "net/tls_proofs.hpp"
#include "pki/acme_client/config.hpp"
#include "pki/acme_client/leaf.hpp"
#include "pki/acme_client/obtain.hpp"
#include "pki/acme_client/schedule.hpp"
#include "pki/acme_client/session.hpp"
#include "pki/acme_client/transport.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::pki::acme_client {

/// What a client is to get.
struct Aim {
    AcmeClientConfig config;  ///< with `domains` filled in; none where nobody can tell
    bool http_first = true;   ///< which proof is tried first where both may be given
    friend bool operator==(const Aim&, const Aim&) = default;
};

/// What is served just now, and how the CA fares.
enum class ServedState : std::uint8_t {
    valid,     ///< a certificate of the CA
    cached,    ///< the same, and the CA could not be had when it was last asked
    internal,  ///< none of the CA: one of the internal CA stands in
};
/// "valid", "cached", "internal"
[[nodiscard]] std::string_view name_of(ServedState state);

/// Has a certificate of a CA for our own listeners, and renews it. What it got is kept sealed, so that a start serves it at
/// once. keep() is one thread's; the rest may be called from any.
class Client {
 public:
    struct Parts {
        crypto::KeyStore& keys;  ///< outlives it, as the next two
        telemetry::Log& log;
        telemetry::Registry& registry;
        std::filesystem::path lock_file;  ///< nodes that share the keys take turns
        std::function<Result<std::unique_ptr<Transport>>(const AcmeClientConfig&, net::Resolver&)>
            way_to = &acme_client::way_to;
        std::function<SystemTime()> now = &std::chrono::system_clock::now;
        std::function<SteadyTime()> ticks = &std::chrono::steady_clock::now;
    };
    explicit Client(Parts parts);

    /// An aim with what is kept for it.
    struct Prospect {
        std::shared_ptr<const Aim> aim;  ///< null: no listener wants one
        std::shared_ptr<const Leaf> leaf;
    };
    /// What there would be for this aim. Changes nothing.
    [[nodiscard]] Prospect look_at(std::optional<Aim> wanted) const;
    /// From now on.
    void take(Prospect next);
    void aim_at(std::optional<Aim> wanted) { take(look_at(std::move(wanted))); }

    /// Null where there is none whose time it is.
    [[nodiscard]] std::shared_ptr<const Leaf> leaf(SystemTime now) const;
    /// Nothing where no listener wants one.
    [[nodiscard]] std::optional<ServedState> state(SystemTime now) const;

    [[nodiscard]] const access::HttpProofs& http_proofs() const { return http_proofs_; }
    [[nodiscard]] std::shared_ptr<const net::TlsProofs> tls_proofs() const { return tls_proofs_; }

    /// One round: asks the CA when it is time to. To be called every second or so.
    [[nodiscard]] Task<> keep(net::Resolver& resolver);

 private:
    struct Conversation;

    [[nodiscard]] std::shared_ptr<const Aim> aim() const;
    [[nodiscard]] std::shared_ptr<const Leaf> held(SystemTime now) const;
    [[nodiscard]] Result<Leaf> load(const Aim& aim) const;
    void serve(const std::shared_ptr<const Aim>& about, std::shared_ptr<const Leaf> leaf);
    [[nodiscard]] static bool asks_the_same(const Aim& one, Aim other);
    void begin_with(std::shared_ptr<const Aim> aim);
    void plan_renewal(const Leaf& leaf);
    [[nodiscard]] bool covers(const Leaf& leaf, const Aim& aim) const;
    [[nodiscard]] bool take_over(const std::shared_ptr<const Aim>& aim, SystemTime now);
    [[nodiscard]] Result<AccountKey> account_key(const Aim& aim);

    void resume(Wanted& wanted, const Aim& aim);

    [[nodiscard]] Task<Result<void>> ask_advice(Conversation& talk);
    [[nodiscard]] Task<Result<void>> renew(Conversation& talk);
    [[nodiscard]] Task<Result<void>> order(Conversation& talk);
    void succeeded(const Leaf& leaf);
    void failed(const Error& error, const std::optional<seconds>& retry_after);
    void look_for_end(SystemTime now);

    Parts parts_;
    access::HttpProofs http_proofs_;
    std::shared_ptr<net::TlsProofs> tls_proofs_ = std::make_shared<net::TlsProofs>();
    telemetry::Counter& issued_;
    telemetry::Counter& failures_total_;
    telemetry::Gauge& last_success_;

    mutable std::mutex mutex_;
    std::shared_ptr<const Aim> aim_;
    std::shared_ptr<const Leaf> leaf_;
    std::atomic<bool> failing_ = false;

    // Of keep() alone.
    std::shared_ptr<const Aim> begun_;  ///< what the rest is about
    std::uint32_t failures_ = 0;        ///< in a row
    SteadyTime next_try_, advice_at_;
    SystemTime renew_at_;
    std::optional<RenewalWindow> window_;
    bool told_of_end_ = false;
};

}  // namespace gh::pki::acme_client
