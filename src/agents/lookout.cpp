#include "agents/lookout.hpp"

#include <iterator>
#include <mutex>
#include <string_view>
#include <utility>

namespace gh::agents {
namespace {

using Kind = access::Incident::Kind;

constexpr std::size_t text_bytes_max = 128;

std::string short_text(std::string_view text) {
    return std::string(text.substr(0, text_bytes_max));
}

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::guess: return "guess";
        case Kind::probe: return "probe";
        case Kind::smuggling: return "smuggling";
        case Kind::block: break;
    }
    return "block";
}

std::size_t Lookout::Hash::operator()(const Key& key) const noexcept {
    const auto octets = key.network.bytes();
    const std::string_view text(reinterpret_cast<const char*>(octets.data()), octets.size());
    return std::hash<std::string_view>{}(text) * 31 + static_cast<std::size_t>(key.kind);
}

Lookout::Lookout(const ThreatThresholds& thresholds, telemetry::Registry& registry)
    : thresholds_(thresholds),
      overlooked_(registry.one_counter(
          "gatehouse_incidents_overlooked_total",
          "Incidents of networks beyond those that are looked at in a minute.")) {
    auto& family = registry.counter(
        {.name = "gatehouse_incidents_total",
         .help = "What attacks are made of, by kind: guess, probe, smuggling, block.",
         .labels = {"kind"}});
    for (const auto kind : access::Incident::kinds)
        counts_[static_cast<std::size_t>(kind)] = &family.with({name_of(kind)});
}

std::uint64_t Lookout::threshold_of(Kind kind) const {
    switch (kind) {
        case Kind::guess: return thresholds_.guesses;
        case Kind::probe: return thresholds_.probes;
        case Kind::smuggling: return thresholds_.smuggling;
        case Kind::block: break;
    }
    return thresholds_.blocks;
}

void Lookout::saw(const access::Incident& incident) noexcept {
    counts_[static_cast<std::size_t>(incident.kind)]->add();
    if (threshold_of(incident.kind) == 0 && incident.kind != Kind::block) return;
    try {
        note(incident);
    } catch (const std::exception&) {  // memory
        overlooked_.add();
    }
}

bool Lookout::count_known(Stripe& stripe, const Key& key) {
    const auto found = stripe.seen.find(key);
    if (found == stripe.seen.end()) return false;
    ++found->second.sighting.count;
    ++found->second.sighting.in_window;
    return true;
}

void Lookout::note(const access::Incident& incident) {
    const Key key{incident.network, incident.kind};
    auto& stripe = stripes_[Hash{}(key) % stripes];
    {
        const std::lock_guard lock(stripe.lock);
        if (count_known(stripe, key)) return;
        if (stripe.seen.size() >= networks_max / stripes) return overlooked_.add();
    }
    // Made without the lock.
    Seen first{.sighting = {.kind = incident.kind,
                            .client_ip = short_text(incident.client_ip),
                            .principal = short_text(incident.principal),
                            .route = short_text(incident.route),
                            .code = short_text(incident.code),
                            .count = 1,
                            .in_window = 1},
               .began = std::chrono::steady_clock::now()};
    const std::lock_guard lock(stripe.lock);
    if (!count_known(stripe, key)) stripe.seen.emplace(key, std::move(first));
}

bool Lookout::is_due(const Seen& seen, bool over) const {
    const auto& sighting = seen.sighting;
    const auto threshold = threshold_of(sighting.kind);
    const bool threat = threshold != 0 && sighting.in_window >= threshold;
    if (sighting.count == 0) return false;
    // The first one, or the threshold is passed with those that have not been told; the rest when the minute is over.
    if (sighting.kind == Kind::block && sighting.count == sighting.in_window) return true;
    if (!threat) return over && sighting.kind == Kind::block;
    return over || !sighting.is_threat;
}

std::vector<Sighting> Lookout::take(SteadyTime now) {
    std::vector<Sighting> told;
    for (auto& stripe : stripes_) {
        const std::lock_guard lock(stripe.lock);
        for (auto each = stripe.seen.begin(); each != stripe.seen.end();) {
            auto& seen = each->second;
            const bool over = now - seen.began >= window;
            if (is_due(seen, over)) {
                if (told.size() == told_max) return told;
                auto& sighting = seen.sighting;
                const auto threshold = threshold_of(sighting.kind);
                sighting.is_threat = threshold != 0 && sighting.in_window >= threshold;
                told.push_back(sighting);
                sighting.count = 0;
            }
            each = over ? stripe.seen.erase(each) : std::next(each);
        }
    }
    return told;
}

}  // namespace gh::agents
