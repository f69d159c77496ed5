#include "pki/acme_client/client.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/file.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/https_url.hpp"
#include "config/unit.hpp"
#include "crypto/digest.hpp"

namespace gh::pki::acme_client {
namespace {

using std::chrono::hours;

constexpr hours advice_every{6};
constexpr seconds advice_pause_min{60};
constexpr seconds turn_pause{5};  // while another node is at it

std::int64_t unix_seconds(SystemTime time) {
    return std::chrono::floor<seconds>(time.time_since_epoch()).count();
}

/// 0 to 1.
double chance() {
    std::array<std::uint8_t, 4> bytes{};
    random_bytes(bytes);
    std::uint32_t number = 0;
    std::memcpy(&number, bytes.data(), bytes.size());
    return static_cast<double>(number) / 4294967296.0;
}

/// Each CA has an account and a certificate of its own.
std::string key_name(std::string_view kind, const Aim& aim) {
    constexpr std::size_t digits = 16;
    return "acme-" + std::string(kind) + "-" +
           crypto::sha256_hex(aim.config.directory).substr(0, digits);
}

const char* words_for(const Error& error) {
    if (kind_of(error) == Failure::away) {
        return "the CA could not be asked; see that pki.acme_client.directory is right and can be "
               "reached from here. It is tried again";
    }
    if (error.kind == ErrorKind::exhausted)
        return "the CA wants to be asked less often. It is tried again, and a restart does not "
               "help";
    if (kind_of(error) == Failure::useless)
        return "the CA gave a certificate that cannot be used; the detail says why. It is tried "
               "again";
    return "the CA gave no certificate; the detail says why, and once that is mended a restart "
           "asks at once. It is tried again";
}

Applicant applicant_of(const AcmeClientConfig& config) {
    Applicant applicant{.contacts = config.contacts,
                        .external_key_id = config.external_account.key_id,
                        .external_key = {}};
    if (auto key = codec::decode_base64url(config.external_account.hmac_key.view())) {
        applicant.external_key = crypto::Secret(*key);
        crypto::wipe(key->data(), key->size());
    }
    return applicant;
}

}  // namespace

std::string_view name_of(ServedState state) {
    switch (state) {
        case ServedState::valid: return "valid";
        case ServedState::cached: return "cached";
        case ServedState::internal: return "internal";
    }
    std::unreachable();
}

/// What one round has to do with the CA.
struct Client::Conversation {
    Conversation(std::shared_ptr<const Aim> about, std::unique_ptr<Transport> way)
        : aim(std::move(about)), transport(std::move(way)), session(*transport) {}
    std::shared_ptr<const Aim> aim;
    std::unique_ptr<Transport> transport;
    Session session;
};

Client::Client(Parts parts)
    : parts_(std::move(parts)),
      issued_(parts_.registry.one_counter("gatehouse_acme_client_issued_total",
                                          "Certificates that a CA gave for our own listeners.")),
      failures_total_(parts_.registry.one_counter(
          "gatehouse_acme_client_failures_total",
          "Times that the CA could not be asked, or gave no certificate.")),
      last_success_(parts_.registry.one_gauge(
          "gatehouse_acme_client_last_success_seconds",
          "When the CA was last talked to with success, in seconds since 1970; 0: never yet.")) {
    parts_.registry.collect(
        {.name = "gatehouse_acme_client_state",
         .help = "1 for what listeners with certificate: acme serve: valid, cached, internal.",
         .labels = {"state"}},
        telemetry::MetricType::gauge, [this](telemetry::Samples& samples) {
            const auto now = state(parts_.now());
            for (const auto each : {ServedState::valid, ServedState::cached, ServedState::internal})
                samples.add({name_of(each)}, now == each ? 1 : 0);
        });
    parts_.registry.collect(
        {.name = "gatehouse_acme_client_not_after_seconds",
         .help = "When the CA's certificate ends, in seconds since 1970; 0: there is none.",
         .labels = {}},
        telemetry::MetricType::gauge, [this](telemetry::Samples& samples) {
            const auto leaf = this->leaf(parts_.now());
            samples.add(leaf ? static_cast<double>(unix_seconds(leaf->not_after)) : 0);
        });
}

std::shared_ptr<const Aim> Client::aim() const {
    const std::scoped_lock lock(mutex_);
    return aim_;
}

std::shared_ptr<const Leaf> Client::leaf(SystemTime now) const {
    const std::scoped_lock lock(mutex_);
    return aim_ && leaf_ && leaf_->good_at(now) ? leaf_ : nullptr;
}

/// The same, or one whose time is still to come.
std::shared_ptr<const Leaf> Client::held(SystemTime now) const {
    const std::scoped_lock lock(mutex_);
    return aim_ && leaf_ && now < leaf_->not_after ? leaf_ : nullptr;
}

std::optional<ServedState> Client::state(SystemTime now) const {
    if (!aim()) return std::nullopt;
    if (!leaf(now)) return ServedState::internal;
    return failing_.load(std::memory_order_relaxed) ? ServedState::cached : ServedState::valid;
}

/// Unless it is about what is not wanted any more.
void Client::serve(const std::shared_ptr<const Aim>& about, std::shared_ptr<const Leaf> leaf) {
    const std::scoped_lock lock(mutex_);
    if (aim_ == about) leaf_ = std::move(leaf);
}

Result<Leaf> Client::load(const Aim& aim) const {
    GH_TRY(const auto kept, parts_.keys.load(key_name("leaf", aim)));
    return leaf_of_text(kept);
}

Client::Prospect Client::look_at(std::optional<Aim> wanted) const {
    {
        const std::scoped_lock lock(mutex_);
        if (aim_ && wanted && *wanted == *aim_) return {aim_, leaf_};
        // One that could not be kept is nowhere else.
        const bool same_ca = aim_ && wanted && aim_->config.directory == wanted->config.directory;
        if (same_ca && leaf_) return {std::make_shared<const Aim>(*std::move(wanted)), leaf_};
    }
    if (!wanted) return {};
    Prospect next{.aim = std::make_shared<const Aim>(*std::move(wanted)), .leaf = {}};
    auto loaded = load(*next.aim);
    if (loaded) {
        next.leaf = std::make_shared<const Leaf>(*std::move(loaded));
    } else if (loaded.error().kind != ErrorKind::not_found) {
        parts_.log
            .error("pki", "the kept certificate of the CA cannot be used; another is asked for")
            .error(loaded.error());
    }
    return next;
}

void Client::take(Prospect next) {
    const std::scoped_lock lock(mutex_);
    if (aim_ == next.aim) return;  // what it serves may have come since
    aim_ = std::move(next.aim);
    leaf_ = std::move(next.leaf);
}

bool Client::covers(const Leaf& leaf, const Aim& aim) const {
    return std::ranges::all_of(aim.config.domains, [&](const auto& name) {
        return std::ranges::find(leaf.names, name) != leaf.names.end();
    });
}

/// Whether the CA would hear the same of us.
bool Client::asks_the_same(const Aim& one, Aim other) {
    // Where these alone differ, a pause that the CA wants goes on.
    other.http_first = one.http_first;
    other.config.contacts = one.config.contacts;
    return one == other;
}

void Client::begin_with(std::shared_ptr<const Aim> aim) {
    const auto before = std::exchange(begun_, std::move(aim));
    if (before && begun_ && asks_the_same(*before, *begun_)) return;
    failures_ = 0;
    next_try_ = advice_at_ = {};
    window_.reset();
    told_of_end_ = false;
    failing_ = false;
    if (const auto have = held(parts_.now())) plan_renewal(*have);
}

void Client::plan_renewal(const Leaf& leaf) {
    window_.reset();
    renew_at_ = renewal_without_advice(leaf.not_before, leaf.not_after, chance());
    if (leaf.good_at(parts_.now())) return;
    parts_.log
        .warning("pki",
                 "the CA's certificate begins in the future, and is served then; see that the "
                 "clock is right")
        .field("not_before", config::time_text(leaf.not_before));
}

/// What another node, or this one before it was killed, has put there meanwhile.
bool Client::take_over(const std::shared_ptr<const Aim>& aim, SystemTime now) {
    auto stored = load(*aim);
    const auto have = held(now);
    if (!stored || now >= stored->not_after || !covers(*stored, *aim)) return false;
    if (have && covers(*have, *aim) && stored->not_after <= have->not_after) return false;
    auto taken = std::make_shared<const Leaf>(*std::move(stored));
    plan_renewal(*taken);
    serve(aim, taken);
    parts_.log.info("pki", "another node has got a certificate of the CA; listeners serve with it")
        .field("not_after", config::time_text(taken->not_after));
    failing_ = false;
    return now < renew_at_;
}

Result<AccountKey> Client::account_key(const Aim& aim) {
    const auto name = key_name("account", aim);
    auto stored = parts_.keys.load(name);
    if (stored) return AccountKey::restore(*stored);
    if (stored.error().kind != ErrorKind::not_found)
        return std::unexpected(std::move(stored.error()));
    auto made = AccountKey::generate();
    // Before the CA hears of it: an account whose key is lost is nobody's.
    GH_TRY_VOID(parts_.keys.store(name, made.secret_pem()));
    return made;
}

/// RFC 9773 §4.2. Shows, too, that the CA is there.
Task<Result<void>> Client::ask_advice(Conversation& talk) {
    GH_CO_TRY_VOID(co_await talk.session.open(talk.aim->config.directory));
    const auto served = held(parts_.now());
    if (!served) co_return Result<void>{};
    const auto eighth = (served->not_after - served->not_before) / 8;
    advice_at_ = parts_.ticks() + std::min<std::chrono::nanoseconds>(advice_every, eighth);
    const auto& base = talk.session.directory().renewal_info;
    if (base.empty() || served->renewal_id.empty()) co_return Result<void>{};
    auto url = base + "/" + served->renewal_id;
    const auto answer = co_await talk.session.get(std::move(url));
    if (!answer) {
        const auto pause = talk.session.retry_after().value_or(seconds(0));
        advice_at_ = std::max(advice_at_, parts_.ticks() + pause);
        // One that it does not know any more is renewed when its time comes.
        if (kind_of(answer.error()) == Failure::refused) co_return Result<void>{};
        co_return std::unexpected(answer.error());
    }
    if (const auto asked = read_retry_after(answer->retry_after, parts_.now()))
        advice_at_ = parts_.ticks() + std::max(*asked, advice_pause_min);
    const auto found = read_renewal_window(answer->body);
    if (!found || window_ == *found) co_return Result<void>{};
    window_ = *found;
    renew_at_ = renewal_within(*found, served->not_before, served->not_after, chance());
    co_return Result<void>{};
}

/// Where a process that has ended was about to have a certificate, it is had now.
void Client::resume(Wanted& wanted, const Aim& aim) {
    auto name = key_name("pending", aim);
    if (const auto stored = parts_.keys.load(name)) {
        if (auto pending = pending_of_text(*stored)) wanted.pending = *std::move(pending);
    }
    if (const auto have = held(parts_.now())) wanted.newer_than = have->not_after;
    wanted.keep = [this, name = std::move(name)](const Pending& begun) {
        // Without it, a process that ends now asks for another certificate.
        (void)parts_.keys.store(name, sealed_text_of(begun));
    };
}

Task<Result<void>> Client::order(Conversation& talk) {
    const auto& aim = *talk.aim;
    GH_CO_TRY_VOID(co_await talk.session.open(aim.config.directory));
    if (aim.config.domains.empty()) {
        co_return fail(ErrorKind::invalid_argument, "acme_client.no_names",
                       "there is no name to have a certificate for; set ALLOWED_HOSTS or "
                       "pki.acme_client.domains");
    }
    // Under the lock: of two nodes that begin together, one makes the account and the other one finds it.
    GH_CO_TRY(const auto key, account_key(aim));
    const auto applicant = applicant_of(aim.config);
    GH_CO_TRY_VOID(co_await talk.session.sign_in(key, applicant));
    const auto served = held(parts_.now());
    Wanted wanted{.names = aim.config.domains,
                  .challenge = aim.config.challenge,
                  .http_first = aim.http_first,
                  .failures = failures_,
                  .replaces = served ? served->renewal_id : std::string()};
    resume(wanted, aim);
    const ProofPlaces places{http_proofs_, *tls_proofs_};
    GH_CO_TRY(auto obtained, co_await obtain(talk.session, key, places, std::move(wanted)));
    const auto leaf = std::make_shared<const Leaf>(std::move(obtained));
    if (const auto kept = parts_.keys.store(key_name("leaf", aim), sealed_text_of(*leaf)); !kept) {
        parts_.log
            .error("pki",
                   "the CA's certificate is served, and could not be kept; the next start asks for "
                   "another")
            .error(kept.error());
    } else {
        (void)parts_.keys.store(key_name("pending", aim), nothing_pending());
    }
    serve(talk.aim, leaf);
    succeeded(*leaf);
    co_return Result<void>{};
}

Task<Result<void>> Client::renew(Conversation& talk) {
    const auto turn = FileLock::acquire(parts_.lock_file, milliseconds(0));
    if (!turn && turn.error().reason != "file.locked")
        co_return fail(ErrorKind::internal, "acme_client.lock", turn.error().detail);
    if (!turn) {
        next_try_ = parts_.ticks() + turn_pause;
        co_return Result<void>{};
    }
    if (take_over(talk.aim, parts_.now())) co_return Result<void>{};
    co_return co_await order(talk);
}

void Client::succeeded(const Leaf& leaf) {
    issued_.add();
    plan_renewal(leaf);
    const auto life = leaf.not_after - leaf.not_before;
    // A CA whose advice is always to renew now is not obeyed more often than this.
    next_try_ = parts_.ticks() + std::min<std::chrono::nanoseconds>(hours(1), life / 4);
    advice_at_ = next_try_;
    parts_.log.info("pki", "the CA gave a certificate; listeners serve with it")
        .field("names", leaf.names.front())
        .field("count", leaf.names.size())
        .field("not_after", config::time_text(leaf.not_after));
}

void Client::failed(const Error& error, const std::optional<seconds>& retry_after) {
    ++failures_;
    failures_total_.add();
    failing_ = true;
    const auto kind = kind_of(error);
    const auto pause = pause_after(kind, failures_, retry_after, chance());
    next_try_ = parts_.ticks() + pause;
    const auto served = leaf(parts_.now());
    parts_.log.warning("pki", words_for(error))
        .field("directory", begun_->config.directory)
        .field("served", served ? "the CA's last certificate" : "a certificate of the internal CA")
        .field("served_until", served ? config::time_text(served->not_after) : std::string("-"))
        .field("next_try_seconds", pause.count())
        .field("failures", failures_)
        .error(error);
}

void Client::look_for_end(SystemTime now) {
    const bool ended = [&] {
        const std::scoped_lock lock(mutex_);
        return leaf_ && now >= leaf_->not_after;
    }();
    if (std::exchange(told_of_end_, ended) || !ended) return;
    parts_.log.error("pki",
                     "the CA's certificate has ended before another one came; a certificate "
                     "of the internal CA stands in, which only its own clients trust");
}

Task<> Client::keep(net::Resolver& resolver) {
    auto wanted = aim();
    if (wanted != begun_) begin_with(wanted);
    if (!wanted) co_return;
    const auto now = parts_.now();
    look_for_end(now);
    const auto have = held(now);
    const bool due = !have || !covers(*have, *wanted) || now >= renew_at_;
    if (due && take_over(wanted, now)) co_return;
    if (parts_.ticks() < next_try_ || (!due && parts_.ticks() < advice_at_)) co_return;
    auto way = parts_.way_to(wanted->config, resolver);
    if (!way) co_return failed(way.error(), std::nullopt);
    Conversation talk(std::move(wanted), *std::move(way));
    auto step = due ? renew(talk) : ask_advice(talk);
    const auto done = co_await std::move(step);
    if (!done) co_return failed(done.error(), talk.session.retry_after());
    const bool silent = talk.session.directory().new_order.empty();
    if (silent) co_return;  // another node is at it
    if (std::exchange(failures_, 0) > 0)
        parts_.log.info("pki", "the CA answers again").field("directory", begun_->config.directory);
    failing_ = false;
    last_success_.set(unix_seconds(parts_.now()));
}

}  // namespace gh::pki::acme_client
