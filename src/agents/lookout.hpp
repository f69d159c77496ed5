#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "access/witness.hpp"
#include "agents/config.hpp"
#include "base/clock.hpp"
#include "base/spin_lock.hpp"
#include "telemetry/metrics.hpp"

namespace gh::agents {

/// Incidents of one kind that came from one network, as far as they have not been told yet.
struct Sighting {
    access::Incident::Kind kind = access::Incident::Kind::guess;
    std::string client_ip, principal, route, code;  ///< of the first in its minute
    std::uint64_t count = 0;                        ///< since the last telling
    std::uint64_t in_window = 0;                    ///< in this minute
    bool is_threat = false;                         ///< more in the minute than is thought innocent
};

/// Counts what the gateway refuses, by network and minute, in memory that is bounded: what comes from more networks at once is
/// counted and not looked at.
class Lookout final : public access::Witness {
 public:
    static constexpr std::chrono::seconds window{60};
    static constexpr std::size_t networks_max = 16'384;
    static constexpr std::size_t told_max = 256;  ///< at once

    /// @param registry  outlives it
    Lookout(const ThreatThresholds& thresholds, telemetry::Registry& registry);

    void saw(const access::Incident& incident) noexcept override;

    /// What is to be told: a network's first limit that was reached in a minute, all that went beyond a threshold, and at the
    /// minute's end what came after that. Each is told once; what is too much for once is told the next time.
    [[nodiscard]] std::vector<Sighting> take(SteadyTime now);

 private:
    struct Key {
        access::ClientNetwork network;
        access::Incident::Kind kind;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    struct Seen {
        Sighting sighting;
        SteadyTime began;
    };
    static constexpr std::size_t stripes = 256;  // so that none is held for long
    struct Stripe {
        SpinLock lock;
        std::unordered_map<Key, Seen, Hash> seen;
    };

    void note(const access::Incident& incident);
    /// One more of a network that is counted already. @return false: it is not
    [[nodiscard]] static bool count_known(Stripe& stripe, const Key& key);
    [[nodiscard]] std::uint64_t threshold_of(access::Incident::Kind kind) const;
    [[nodiscard]] bool is_due(const Seen& seen, bool over) const;

    const ThreatThresholds thresholds_;
    telemetry::Counter& overlooked_;
    std::array<telemetry::Counter*, access::Incident::kinds.size()> counts_{};
    std::array<Stripe, stripes> stripes_;
};

/// "guess", "probe", "smuggling", "block".
[[nodiscard]] std::string_view name_of(access::Incident::Kind kind);

}  // namespace gh::agents
