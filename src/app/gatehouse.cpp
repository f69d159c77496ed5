#include "app/gatehouse.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/acme_aim.hpp"
#include "app/announce.hpp"
#include "app/back_office.hpp"
#include "app/collect_states.hpp"
#include "app/crash_handler.hpp"
#include "app/data_folder.hpp"
#include "app/drain.hpp"
#include "app/first_key.hpp"
#include "app/house.hpp"
#include "app/log_exports.hpp"
#include "app/logs.hpp"
#include "app/machine.hpp"
#include "app/new_sockets.hpp"
#include "app/restoring.hpp"
#include "app/traces.hpp"
#include "app/unseal.hpp"
#include "base/try.hpp"
#include "crypto/secret.hpp"
#include "gateway/proxy/keeper.hpp"
#include "identity/build_trust.hpp"

namespace gh::app {
namespace {

constexpr auto watch_interval = std::chrono::milliseconds(500);
constexpr auto keys_interval = std::chrono::minutes(1);

}  // namespace

struct Gatehouse::House {
    House(Overrides given, Surroundings around, ReadSettings read_first)
        : overrides(std::move(given)),
          surroundings(std::move(around)),
          read(std::move(read_first)),
          counters(make_counters(registry)),
          upstream_metrics(make_upstream_metrics(registry)),
          http_metrics(registry) {}

    [[nodiscard]] Result<void> open_telemetry();
    [[nodiscard]] Result<void> open_trust(const Settings& settings);
    void keep_signing_keys(SystemTime now);
    [[nodiscard]] Result<void> start_workers();
    [[nodiscard]] Result<void> apply(Settings settings);
    void keep_issuers_keys();
    [[nodiscard]] Result<std::shared_ptr<const gateway::Snapshot>> plan(const Settings& settings);
    void publish(std::shared_ptr<const gateway::Snapshot> next);
    [[nodiscard]] std::shared_ptr<const gateway::Snapshot> current();
    void reload();
    void watch();
    void drain();

    // What was said.
    Overrides overrides;
    Surroundings surroundings;
    ReadSettings read;
    Settings effective;  // with the ports that the system picked

    // Floor by floor.
    std::optional<DataFolder> folder;
    telemetry::Registry registry;
    gateway::Services::Counters counters;
    gateway::proxy::Upstream::Metrics upstream_metrics;
    telemetry::HttpMetrics http_metrics;
    std::unique_ptr<Logs> logs;
    telemetry::Log* log = nullptr;  // the server's
    std::unique_ptr<LogExports> log_exports;
    std::unique_ptr<Traces> traces;  // null: none are recorded
    std::unique_ptr<TlsMaterial> tls;
    std::unique_ptr<pki::acme_client::Client> acme;
    pki::acme_client::Client::Prospect acme_planned;  // of the last plan
    std::optional<FirstKey> key;
    std::unique_ptr<BackOffice> office;
    SystemTime keys_kept_at;
    std::uint64_t roles_planned = 0;  // the generation that the snapshot knows
    std::unique_ptr<identity::TrustSource> trust;
    std::unique_ptr<access::RateLimiter> limiter;
    std::unique_ptr<access::ConnectionBudget> budget;
    OwnFacts own{registry, {}, std::chrono::system_clock::now(), {}, {}};
    std::unique_ptr<gateway::Services> services;
    std::vector<std::unique_ptr<Crew>> crews;
    std::unique_ptr<net::Resolver> resolver;
    std::mutex snapshot_mutex;  // readiness reads it on workers
    std::shared_ptr<const gateway::Snapshot> snapshot;
    std::size_t workers = 1;
    net::FileStamp config_stamp, seen_stamp;                    // of what was read last
    std::vector<std::weak_ptr<identity::JwksCache>> kept_keys;  // the first worker's
};

Gatehouse::Gatehouse(Overrides overrides, Surroundings surroundings, ReadSettings read)
    : house_(std::make_unique<House>(std::move(overrides), std::move(surroundings),
                                     std::move(read))) {}

Gatehouse::~Gatehouse() = default;

void Gatehouse::block_signals() {
    const auto set = our_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

Result<void> Gatehouse::House::open_telemetry() {
    GH_TRY(logs, Logs::open(read.settings.telemetry, registry));
    log = &logs->server();
    GH_TRY(log_exports, LogExports::open(read.settings, registry, *logs));
    GH_TRY(traces, Traces::open(read.settings, registry, *log, logs->redactor()));
    if (overrides.config_file) config_stamp = net::stamp_of(*overrides.config_file);
    return {};
}

void Gatehouse::House::keep_signing_keys(SystemTime now) {
    if (now - keys_kept_at < keys_interval) return;
    keys_kept_at = now;
    auto changed = office->identity().keep_signing_keys(now);
    if (changed && *changed) {
        if (auto trusted = open_trust(effective); !trusted)
            changed = std::unexpected(trusted.error());
    }
    if (!changed)
        log->error("identity", "signing keys could not be renewed, those in use stay")
            .error(changed.error());
}

Result<void> Gatehouse::House::open_trust(const Settings& settings) {
    auto auth = settings.auth;
    if (key) auth.api_keys.push_back(key->config);
    const auto previous = trust ? trust->current() : nullptr;
    GH_TRY(auto built, identity::build_trust(auth, office->hasher(), previous.get(),
                                             {.weak_secrets_allowed = settings.relaxed(),
                                              .own = &office->identity().issuer()}));
    if (trust) {
        trust->publish(built);
    } else {
        trust = std::make_unique<identity::TrustSource>(built);
    }
    return {};
}

Result<std::shared_ptr<const gateway::Snapshot>> Gatehouse::House::plan(const Settings& settings) {
    const auto& roles = office->identity().roles();
    roles_planned = roles.generation();
    acme_planned = acme->look_at(acme_aim(settings));
    const auto now = std::chrono::system_clock::now();
    const auto& leaf = acme_planned.leaf;
    PlanParts parts{*tls,
                    http_metrics,
                    upstream_metrics,
                    own,
                    workers,
                    *roles.current(),
                    leaf && leaf->good_at(now) ? leaf : nullptr};
    auto made = make_plan(settings, parts, snapshot.get(), now);
    if (tls->internal_leaf()) office->pki().take_note(*tls->internal_leaf());
    return made;
}

std::shared_ptr<const gateway::Snapshot> Gatehouse::House::current() {
    const std::scoped_lock lock(snapshot_mutex);
    return snapshot;
}

/// Hands the snapshot to every worker, between two turns, and lets go of what it no longer names.
void Gatehouse::House::publish(std::shared_ptr<const gateway::Snapshot> next) {
    acme->take(acme_planned);
    const auto previous = snapshot;
    {
        const std::scoped_lock lock(snapshot_mutex);
        snapshot = next;
    }
    std::vector<std::shared_ptr<gateway::proxy::Upstream>> left, come;
    for (const auto& upstream : previous ? previous->upstreams : decltype(left){}) {
        if (std::ranges::find(next->upstreams, upstream) == next->upstreams.end())
            left.push_back(upstream);
    }
    for (const auto& upstream : next->upstreams) {
        if (!previous ||
            std::ranges::find(previous->upstreams, upstream) == previous->upstreams.end()) {
            come.push_back(upstream);
        }
    }
    for (const auto& upstream : left) upstream->retire();
    for (auto& crew : crews) {
        auto& worker = crew->worker;
        worker.loop.post([&worker, next, left, come] {
            worker.snapshot = next;
            for (const auto& upstream : come)
                gateway::proxy::keep_pool(upstream, worker.index, worker.loop);
            for (const auto& upstream : left) upstream->pool(worker.index).clear();
        });
    }
    auto& first = crews.front()->worker.loop;
    first.post([this, &first, come] {
        for (const auto& upstream : come)
            gateway::proxy::keep_upstream(upstream, first, *resolver, *log);
    });
}

Result<void> Gatehouse::House::start_workers() {
    GH_TRY(const auto connections,
           access::connections_within(read.settings.limits.connections_max, descriptors_max(),
                                      descriptors_reserved));
    if (connections < read.settings.limits.connections_max) {
        log->warning("net",
                     "limits.connections_max is lowered to what the file-descriptor limit carries; "
                     "raise that (LimitNOFILE, ulimit -n) to have more")
            .field("connections_max", connections);
    }
    limiter = std::make_unique<access::RateLimiter>();
    budget = std::make_unique<access::ConnectionBudget>(
        connections,
        access::ConnectionLimits{connections, read.settings.limits.connections_per_address_max});
    resolver = std::make_unique<net::Resolver>();
    services = std::make_unique<gateway::Services>(
        gateway::Services{*limiter, *budget, *log, logs->access(), counters, {}});
    for (std::size_t i = 0; i < workers; ++i) {
        crews.push_back(std::make_unique<Crew>(i, *services, *trust, office->identity()));
        services->workers.push_back(&crews.back()->worker);
    }
    services->revoked_certificates = &office->pki().revoked();
    services->proofs = &acme->http_proofs();
    services->witness = &office->agents().witness();
    services->agent_calls = &office->agents().calls();
    services->tracer = traces ? &traces->tracer() : nullptr;
    end_what_is_revoked(office->identity().revocations(), office->pki().revoked(), crews);
    office->kills().watch(crews);
    return {};
}

Result<void> Gatehouse::start() {
    auto& house = *house_;
    auto& settings = house.read.settings;
    house.workers = settings.workers == 0 ? cores() : settings.workers;
    GH_TRY_VOID(make_directory(settings.data_dir));
    GH_TRY(house.folder, DataFolder::open(settings, DataFolder::Use::shared));
    GH_TRY_VOID(keep_crashes_in(settings.data_dir / crash_folder));
    GH_TRY_VOID(house.open_telemetry());
    GH_TRY(auto unsealed, unseal(settings, house.log));
    GH_TRY(house.tls, open_tls(settings, std::move(unsealed.keys)));
    GH_TRY_VOID(house.logs->use_keys(house.tls->keys(), settings.telemetry));
    house.acme = open_acme_client(settings, *house.tls, house.registry, *house.log);
    auto effective = settings;
    GH_TRY(auto sockets, NewSockets::open(effective, house.effective, house.workers));
    GH_TRY(house.office, BackOffice::open(effective, house.tls->keys(), std::move(unsealed.keyring),
                                          house.tls->ca(), house.registry, *house.log));
    house.keys_kept_at = std::chrono::system_clock::now();
    house.own.rooms = house.office->routes();
    GH_TRY_VOID(house.open_trust(settings));
    house.own.environment = settings.telemetry.environment;
    house.own.release = settings.telemetry.release;
    house.own.health = [&house] {
        const auto now = std::chrono::system_clock::now();
        return house.office->health(
            known_states(house.current()->upstreams, house.acme->state(now)));
    };
    GH_TRY_VOID(house.start_workers());
    GH_TRY(auto snapshot, house.plan(effective));
    if (settings.wants_first_key) {  // shown once: so not before everything that may fail has not
        GH_TRY(house.key, first_key(house.tls->keys()));
        GH_TRY_VOID(house.open_trust(settings));
    }
    house.effective = std::move(effective);
    house.office->start(sqlite_file_of(house.effective), *house.acme,
                        house.traces ? &house.traces->tracer() : nullptr);
    house.publish(std::move(snapshot));
    sockets.hand_over(house.crews);
    collect_states(house.registry, [&house] { return house.current(); });
    collect_health(house.registry, house.own.health);
    // Whoever is answered finds it said.
    announce_reading(house.read, *house.log);
    announce(house.effective, house.tls->ca_file(), house.key ? &*house.key : nullptr, *house.log);
    house.logs->flush();
    for (auto& crew : house.crews) {
        crew->worker.snapshot = house.snapshot;
        crew->start();
    }
    house.office->watch(loops_of(house.crews));
    house.keep_issuers_keys();
    return {};
}

void Gatehouse::House::keep_issuers_keys() {
    auto& first = crews.front()->worker.loop;
    first.post([this, &first, auth = effective.auth] {
        keep_keys(*trust->current(), *trust, auth, kept_keys, first, *resolver, *log);
    });
}

/// All of it or nothing: the running configuration changes only once everything the new one needs is there.
Result<void> Gatehouse::House::apply(Settings settings) {
    const auto before = effective;
    GH_TRY(auto sockets, NewSockets::open(settings, effective, workers));
    GH_TRY(auto next, plan(settings));
    GH_TRY(auto redactor, logs->redactor_for(settings.telemetry.redaction));
    GH_TRY_VOID(open_trust(settings));
    logs->apply(settings.telemetry, std::move(redactor));
    office->apply(settings.health);
    for (const auto& listener : before.listeners) {
        if (settings.find_listener(listener.name)) continue;
        for (auto& crew : crews) {
            crew->worker.loop.post(
                [&server = crew->server, name = listener.name] { server.close_listener(name); });
        }
    }
    warn_of_connections_held(settings.limits.connections_max, *budget, *log);
    budget->set_limits(
        {settings.limits.connections_max, settings.limits.connections_per_address_max});
    effective = std::move(settings);
    publish(std::move(next));
    sockets.hand_over(crews);
    keep_issuers_keys();
    return {};
}

void Gatehouse::House::reload() {
    auto next = read_settings(overrides, surroundings);
    if (next && overrides.config_file && net::stamp_of(*overrides.config_file).size == 0) {
        // Cut short while it was written, more likely than meant.
        next = fail(ErrorKind::invalid_argument, "config.empty", overrides.config_file->string());
    } else if (next) {
        if (auto allowed = check_reload(read.settings, next->settings); !allowed) {
            next = std::unexpected(allowed.error());
        } else if (auto applied = apply(next->settings); !applied) {
            next = std::unexpected(applied.error());
            tls->not_served(std::chrono::system_clock::now());
        }
    }
    if (!next) {
        log->error("app", "reload refused, the running configuration stays").error(next.error());
        return;
    }
    for (const auto changed : keys_for_next_start(read.settings, next->settings)) {
        log->warning("config", "a changed key takes effect with the next start")
            .field("key", changed);
    }
    read = std::move(*next);
    announce_reading(read, *log);
    log->info("app", "configuration reloaded").field("routes", read.settings.routes.size());
}

/// Looks at the files that may change under us.
void Gatehouse::House::watch() {
    const auto now = std::chrono::system_clock::now();
    tls->keep_fresh(now, *log);
    keep_signing_keys(now);
    if (overrides.config_file) {
        // Twice the same: whoever writes it has come to an end.
        const auto stamp = net::stamp_of(*overrides.config_file);
        const bool settled = std::exchange(seen_stamp, stamp) == stamp;
        if (stamp != config_stamp && stamp.present && settled) {
            config_stamp = stamp;
            reload();
            return;
        }
    }
    const bool roles_changed = office->identity().roles().generation() != roles_planned;
    if (!roles_changed && !tls->changed(effective, now, *log)) return;
    if (auto next = plan(effective)) {
        publish(std::move(*next));
    } else {
        tls->not_served(now);
        log->error("net", "certificates could not be renewed, those in use stay")
            .error(next.error());
    }
}

/// SIGTERM: accept no more, let what is under way end, then stop the threads and flush.
void Gatehouse::House::drain() {
    drain_workers(crews, effective.limits.drain_timeout, *log);
    office->stop();
    end_exports(traces.get(), *log_exports, *log);
    logs->close();
}

void Gatehouse::run() {
    const auto set = our_signals();
    const timespec pause{
        .tv_sec = 0,
        .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(watch_interval).count()};
    for (;;) {
        switch (::sigtimedwait(&set, nullptr, &pause)) {
            case SIGTERM:
            case SIGINT: house_->drain(); return;
            case SIGHUP:
                if (house_->overrides.config_file) {
                    house_->config_stamp = net::stamp_of(*house_->overrides.config_file);
                }
                house_->reload();
                break;
            case SIGUSR1: house_->logs->reopen(); break;
            default: house_->watch();
        }
    }
}

}  // namespace gh::app
