#include "app/pki_house.hpp"

#include <chrono>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "pki/issue.hpp"
#include "storage/fallback.hpp"

namespace gh::app {
namespace {

using std::chrono::days;
using std::chrono::minutes;

// Clocks of nodes differ, and a transaction that began earlier may commit later.
constexpr seconds learn_again{30};
constexpr minutes measure_every{1};
constexpr days soon{14};
constexpr days shown_after_end{90};

std::int64_t unix_seconds(SystemTime time) {
    return std::chrono::floor<seconds>(time.time_since_epoch()).count();
}

}  // namespace

std::string published_at(const Settings& settings) { return settings.auth.issuer; }

PkiHouse::PkiHouse(pki::CertificateRepository& certificates, pki::InternalCa& ca,
                   telemetry::Registry& registry, telemetry::Log& log)
    : certificates_(certificates),
      ca_(ca),
      log_(log),
      room_{.certificates = certificates,
            .revoked = revoked_,
            .crl = crl_,
            .issuer = [&ca] { return ca.issuer(); },
            .root_pem = ca.root().certificate_pem()},
      valid_(registry.one_gauge("gatehouse_certificates_valid",
                                "Certificates of the internal CA that are good, without agents'.")),
      expiring_(registry.one_gauge(
          "gatehouse_certificates_expiring",
          "Those of them that end within 14 days and have no successor of the same name.")),
      revoked_count_(registry.one_gauge("gatehouse_certificates_revoked",
                                        "Revoked certificates that are not forgotten yet.")),
      expiry_(registry.gauge({.name = "gatehouse_ca_certificate_not_after_seconds",
                              .help = "When the root, the issuer and the next certificate of the "
                                      "inventory end, in seconds since 1970.",
                              .labels = {"certificate"}})) {
    expiry_.with({"root"}).set(unix_seconds(ca.root().not_after()));
    expiry_.with({"issuer"}).set(unix_seconds(ca.issuer()->not_after()));
}

void PkiHouse::take_note(const pki::IssuedCertificate& own) {
    const std::scoped_lock lock(noted_mutex_);
    if (own.serial != written_) noted_ = own;
}

Task<Result<void>> PkiHouse::learn(SystemTime now) {
    SystemTime since = learnt_;
    std::string after;
    for (;;) {
        GH_CO_TRY(auto some, co_await certificates_.revoked(since, after));
        const bool last = some.size() < pki::CertificateRepository::revoked_page;
        if (!some.empty()) {
            since = some.back().revoked_at;
            after = some.back().serial;
        }
        revoked_.add(std::move(some));
        if (last) break;
    }
    learnt_ = now - learn_again;
    co_return Result<void>{};
}

Task<Result<void>> PkiHouse::write_noted(SystemTime now) {
    std::optional<pki::IssuedCertificate> own;
    {
        const std::scoped_lock lock(noted_mutex_);
        own = noted_;
    }
    if (!own) co_return Result<void>{};
    auto record = audit::act_of_shell("certificate.issue", "certificate");
    auto also = audit::also<pki::StoredCertificate>(std::move(record), pki::tell_certificate);
    auto serial = own->serial;
    std::string holder = "gatehouse";
    GH_CO_TRY_VOID(
        co_await certificates_.add_once(*std::move(own), std::move(holder), now, std::move(also)));
    const std::scoped_lock lock(noted_mutex_);
    if (noted_ && noted_->serial == serial) noted_.reset();
    written_ = std::move(serial);
    co_return Result<void>{};
}

void PkiHouse::warn(const pki::ExpiringCertificates& found, SystemTime now) {
    if (found.expiring > warned_of_) {
        log_.warning("pki",
                     "certificates end within 14 days and were not renewed; "
                     "gatehouse ca show --expiring lists them")
            .field("certificates", found.expiring);
    }
    warned_of_ = found.expiring;
    const auto issuer = ca_.issuer();
    const bool due = pki::renewal_due(issuer->not_before(), issuer->not_after(), now);
    if (due && !std::exchange(warned_of_issuer_, due)) {
        log_.warning("pki",
                     "the intermediate is due for renewal and the root's key is elsewhere; "
                     "run: gatehouse ca renew --offline-root FILE")
            .field("days_left", std::chrono::floor<days>(issuer->not_after() - now).count());
    }
}

Task<Result<void>> PkiHouse::measure(SystemTime now) {
    GH_CO_TRY(const auto found, co_await certificates_.expiring(now, now + soon));
    valid_.set(found.valid);
    expiring_.set(found.expiring);
    expiry_.with({"root"}).set(unix_seconds(ca_.root().not_after()));
    expiry_.with({"issuer"}).set(unix_seconds(ca_.issuer()->not_after()));
    if (found.next_not_after) expiry_.with({"next"}).set(unix_seconds(*found.next_not_after));
    warn(found, now);
    revoked_.forget(now - shown_after_end);
    GH_CO_TRY_VOID(co_await certificates_.clean(now - shown_after_end));
    co_return Result<void>{};
}

Task<Result<void>> PkiHouse::keep_once(SystemTime now) {
    GH_CO_TRY_VOID(co_await learn(now));
    const auto issuer = ca_.issuer();
    GH_CO_TRY_VOID(crl_.keep(*issuer, revoked_, now));
    GH_CO_TRY_VOID(co_await write_noted(now));
    revoked_count_.set(static_cast<std::int64_t>(revoked_.size()));
    if (now >= measured_ && now < measured_ + measure_every) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await measure(now));
    measured_ = now;
    co_return Result<void>{};
}

Task<> PkiHouse::keep() {
    const auto kept = co_await keep_once(std::chrono::system_clock::now());
    // A database that is away is told of once, by the clerk.
    const bool ours = !kept && !storage::is_away(kept.error());
    if (ours && !failing_)
        log_.error("pki", "certificates could not be looked after").error(kept.error());
    failing_ = ours;
}

}  // namespace gh::app
