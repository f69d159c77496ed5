#include "app/pki_house.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "app/identity_house.hpp"
#include "app/state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "pki/issue.hpp"
#include "storage/fallback.hpp"

namespace gh::app {
namespace {

using std::chrono::days;
using std::chrono::minutes;

constexpr minutes measure_every{1};
constexpr seconds keep_acme_every{5};
constexpr minutes clean_accounts_every{10};  // it looks at each old one
constexpr days idle_accounts_kept{30};
constexpr days soon{14};
constexpr days root_soon{365};  // every client must get another
constexpr std::size_t noted_max = 100;
constexpr days shown_after_end{90};

std::int64_t unix_seconds(SystemTime time) {
    return std::chrono::floor<seconds>(time.time_since_epoch()).count();
}

/// Routes begin at the root: of an issuer with a path, what comes before it.
std::string acme_url_of(const Settings& settings) {
    if (!settings.pki.acme.url.empty()) return settings.pki.acme.url;
    const auto issuer = issuer_of(settings);
    return issuer.substr(0, issuer.find('/', issuer.find("//") + 2));
}

}  // namespace

PkiHouse::PkiHouse(storage::Database& database, pki::CertificateRepository& certificates,
                   pki::InternalCa& ca, crypto::Secret enrolment_secret,
                   telemetry::Registry& registry, telemetry::Log& log)
    : certificates_(certificates),
      ca_(ca),
      log_(log),
      registry_(registry),
      room_{.certificates = certificates,
            .revoked = revoked_,
            .crl = crl_,
            .issuer = [&ca] { return ca.issuer(); },
            .root_pem = ca.root().certificate_pem(),
            .root_crl = [&ca] { return ca.root_list()->crl(); }},
      enrolment_(room_, database, std::move(enrolment_secret), log),
      valid_(registry.one_gauge("gatehouse_certificates_valid",
                                "Certificates of the internal CA that are good, without agents'.")),
      expiring_(registry.one_gauge(
          "gatehouse_certificates_expiring",
          "Those of them that end within 14 days and have no successor of the same name.")),
      revoked_count_(registry.one_gauge("gatehouse_certificates_revoked",
                                        "Revoked certificates that are not forgotten yet.")),
      expiry_(registry.gauge({.name = "gatehouse_ca_certificate_not_after_seconds",
                              .help = "When the root, the root's list, the issuer and the next "
                                      "certificate of the inventory end, in seconds since 1970.",
                              .labels = {"certificate"}})) {
    measure_authorities();
    ca.on_list(
        [this](const pki::RootList& list) { revoked_.set_authorities(list.revoked_keys()); });
    ca.heed(revoked_);
}

PkiHouse::~PkiHouse() { ca_.on_list({}); }

void PkiHouse::measure_authorities() {
    expiry_.with({"root"}).set(unix_seconds(ca_.root().not_after()));
    expiry_.with({"issuer"}).set(unix_seconds(ca_.issuer()->not_after()));
    if (const auto& crl = ca_.root_list()->crl())
        expiry_.with({"root_crl"}).set(unix_seconds(crl->next_update));
}

Result<void> PkiHouse::open_acme(const Settings& settings, storage::Database& database,
                                 crypto::KeyStore& keys) {
    const auto& config = settings.pki.acme;
    if (!config.enabled) return {};
    GH_TRY(auto secret, kept_secret(keys, acme_key));
    GH_TRY(validator_, pki::acme::NetworkValidator::make(config));
    acme_ = std::make_unique<pki::acme::Server>(
        pki::acme::Parts{.database = database,
                         .certificates = certificates_,
                         .revoked = revoked_,
                         .issuer = room_.issuer,
                         .config = config,
                         .base_url = acme_url_of(settings),
                         .external_secret = std::move(secret),
                         .validator = *validator_,
                         .log = log_,
                         .registry = registry_,
                         .now = [] { return std::chrono::system_clock::now(); }});
    if (config.domains.empty()) {
        log_.warning("pki",
                     "ACME clients get nothing before pki.acme.domains says for which names");
    }
    return {};
}

std::vector<api::Route> PkiHouse::routes() {
    auto all = pki::publication_routes(room_);
    std::ranges::move(pki::certificate_routes(enrolment_), std::back_inserter(all));
    std::ranges::move(pki::enrolment_routes(enrolment_), std::back_inserter(all));
    if (acme_) std::ranges::move(pki::acme::routes(*acme_), std::back_inserter(all));
    return all;
}

void PkiHouse::take_note(const pki::IssuedCertificate& own) {
    const std::scoped_lock lock(noted_mutex_);
    const bool known =
        own.serial == written_ ||
        std::ranges::find(noted_, own.serial, &pki::IssuedCertificate::serial) != noted_.end();
    if (!known && noted_.size() < noted_max) noted_.push_back(own);
}

Task<Result<void>> PkiHouse::learn(SystemTime now) {
    GH_CO_TRY_VOID(co_await learn_since(cursor_.since(now)));
    cursor_.learnt(now);
    co_return Result<void>{};
}

Task<Result<void>> PkiHouse::learn_since(SystemTime since) {
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
    co_return Result<void>{};
}

Task<Result<void>> PkiHouse::write_noted(SystemTime now) {
    std::vector<pki::IssuedCertificate> noted;
    {
        const std::scoped_lock lock(noted_mutex_);
        noted = noted_;
    }
    for (auto& own : noted) {
        auto record = audit::act_of_shell("certificate.issue", "certificate");
        auto also = audit::also<pki::StoredCertificate>(std::move(record), pki::tell_certificate);
        auto serial = own.serial;
        std::string holder = "gatehouse";
        GH_CO_TRY_VOID(co_await certificates_.add_once(std::move(own), std::move(holder), now,
                                                       std::move(also)));
        const std::scoped_lock lock(noted_mutex_);
        std::erase_if(noted_, [&serial](const auto& each) { return each.serial == serial; });
        written_ = std::move(serial);
    }
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
    warn_of_authorities(now);
}

void PkiHouse::warn_of_authorities(SystemTime now) {
    const auto days_left = [now](SystemTime end) {
        return std::chrono::floor<days>(end - now).count();
    };
    const auto issuer = ca_.issuer();
    const bool due = pki::renewal_due(issuer->not_before(), issuer->not_after(), now);
    if (!std::exchange(warned_of_issuer_, due) && due) {
        const auto root = ca_.root_with_key();
        const bool elsewhere = !root && root.error().reason == "ca.root_offline";
        log_.warning("pki", elsewhere
                                ? "the intermediate is due for renewal and the root's key is "
                                  "elsewhere; run: gatehouse ca renew --offline-root FILE"
                                : "the intermediate is due for renewal; run: gatehouse ca renew")
            .field("days_left", days_left(issuer->not_after()));
    }
    const auto root_ends = ca_.root().not_after();
    const bool root_due = now >= root_ends - root_soon;
    if (!std::exchange(warned_of_root_, root_due) && root_due) {
        log_.warning(
                "pki",
                "the root ends within a year; a new one must reach every client before it does")
            .field("days_left", days_left(root_ends));
    }
    warn_of_root_list(now);
}

void PkiHouse::warn_of_root_list(SystemTime now) {
    const auto list = ca_.root_list();
    const bool due = list->due(now);
    if (std::exchange(warned_of_list_, due) || !due) return;
    if (!list->crl()) {
        log_.info("pki",
                  "the root has no list of revoked intermediates yet; who wants one finds none "
                  "before: gatehouse ca renew --offline-root FILE");
        return;
    }
    log_.warning("pki",
                 "the root's list of revoked intermediates ends, and who wants one refuses all "
                 "certificates then; run: gatehouse ca renew --offline-root FILE")
        .field("days_left", std::chrono::floor<days>(list->crl()->next_update - now).count());
}

Task<Result<void>> PkiHouse::measure(SystemTime now) {
    GH_CO_TRY(const auto found, co_await certificates_.expiring(now, now + soon));
    valid_.set(found.valid);
    expiring_.set(found.expiring);
    measure_authorities();
    if (found.next_not_after) expiry_.with({"next"}).set(unix_seconds(*found.next_not_after));
    warn(found, now);
    revoked_.forget(now - shown_after_end);
    GH_CO_TRY_VOID(co_await certificates_.clean(now - shown_after_end));
    GH_CO_TRY_VOID(co_await enrolment_.enrolments.clean(now - shown_after_end));
    co_return Result<void>{};
}

Task<Result<void>> PkiHouse::keep_acme(SystemTime now) {
    if (!acme_ || (now >= acme_kept_ && now < acme_kept_ + keep_acme_every))
        co_return Result<void>{};
    GH_CO_TRY_VOID(co_await pki::acme::resume(*acme_));
    GH_CO_TRY_VOID(co_await acme_->orders().clean(now));
    acme_kept_ = now;
    if (now >= accounts_cleaned_ && now < accounts_cleaned_ + clean_accounts_every)
        co_return Result<void>{};
    GH_CO_TRY_VOID(co_await acme_->accounts().clean(now - idle_accounts_kept));
    accounts_cleaned_ = now;
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

Task<Result<void>> PkiHouse::check(SystemTime now) const {
    if (ca_.issuer()->not_after() <= now) {
        co_return fail(ErrorKind::unavailable, "ca.ended",
                       "the intermediate has ended; run: gatehouse ca renew");
    }
    const auto list = crl_.current();
    if (list && list->next_update <= now)
        co_return fail(ErrorKind::unavailable, "ca.crl_ended", "the list of revoked ones is old");
    co_return Result<void>{};
}

Task<> PkiHouse::keep() {
    const auto now = std::chrono::system_clock::now();
    auto kept = co_await keep_once(now);
    // Neither waits for what the other could not do.
    if (auto acme = co_await keep_acme(now); kept) kept = std::move(acme);
    // A database that is away is told of once, by the clerk.
    const bool ours = !kept && !storage::is_away(kept.error());
    if (ours && !failing_)
        log_.error("pki", "certificates could not be looked after").error(kept.error());
    failing_ = ours;
}

}  // namespace gh::app
