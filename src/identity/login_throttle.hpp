#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"

namespace gh::identity {

/// Slows guessing down. Failures are counted for a name from one network together, so that whoever guesses a password locks
/// nobody out elsewhere; and for a network over all names, so that one password cannot be tried on everybody. A network that
/// has to wait still gets one attempt a second for names that it has not failed with, and any for those that have signed in
/// from there: many people have one address.
/// Holds over all workers; safe to share.
class LoginThrottle {
 public:
    struct Options {
        unsigned free_failures = 5;           ///< of one name from one network, before any wait
        unsigned network_free_failures = 50;  ///< of one network, whatever the names
        milliseconds first_wait{1'000};       ///< doubled with each failure
        milliseconds longest_wait{15 * 60'000};
        milliseconds trickle{1'000};       ///< between attempts of a network that has to wait
        seconds forgotten_after{3'600};    ///< without another failure
        std::size_t entries_max = 65'536;  ///< the one unused longest makes room
        unsigned at_once = 4;              ///< attempts of one network that are being looked at
    };
    LoginThrottle() : LoginThrottle(Options()) {}
    explicit LoginThrottle(Options options) : options_(options) {}

    /// An attempt that may be made: its place among those of its network, until it goes.
    class Attempt {
     public:
        Attempt(Attempt&& other) noexcept
            : throttle_(std::exchange(other.throttle_, nullptr)),
              network_(std::move(other.network_)) {}
        Attempt& operator=(Attempt&&) = delete;
        ~Attempt() {
            if (throttle_ != nullptr) throttle_->leave(network_);
        }

     private:
        friend class LoginThrottle;
        Attempt(LoginThrottle& throttle, std::string network)
            : throttle_(&throttle), network_(std::move(network)) {}
        LoginThrottle* throttle_;
        std::string network_;
    };

    /// Ask before a password is looked at.
    /// @param name     as it was typed, any case
    /// @param network  the client's address or its /64
    /// @return         how long the attempt has to wait, where it may not be made now
    [[nodiscard]] std::expected<Attempt, milliseconds> begin(std::string_view name,
                                                             std::string_view network,
                                                             SteadyTime now);
    /// How long an attempt would have to wait for failures before it, were there no trickle; nothing: not at all.
    [[nodiscard]] std::optional<milliseconds> wait_of(std::string_view name,
                                                      std::string_view network, SteadyTime now);
    void failed(std::string_view name, std::string_view network, SteadyTime now);
    /// Forgets the failures of this name from this network, and remembers that it is at home there; the failures of the
    /// network stay, or one good account would pay for guessing at others.
    void succeeded(std::string_view name, std::string_view network, SteadyTime now);

    [[nodiscard]] std::size_t size() const;

 private:
    struct Entry {
        std::string key;
        unsigned failures = 0;
        bool at_home = false;  ///< a name that has signed in from there
        SteadyTime last;
        SteadyTime blocked_until;
        SteadyTime trickles_at;  ///< of a network: its next attempt meanwhile
    };
    using Entries = std::list<Entry>;  // used last first

    [[nodiscard]] Entry* find(const std::string& key);
    Entry& put(const std::string& key);
    [[nodiscard]] std::optional<milliseconds> wait_within(const std::string& pair,
                                                          const std::string& network,
                                                          SteadyTime now);
    [[nodiscard]] bool trickles(const std::string& pair, const std::string& network,
                                SteadyTime now);
    void count(const std::string& key, unsigned free, SteadyTime now);
    void leave(const std::string& network);

    const Options options_;
    mutable std::mutex mutex_;
    Entries entries_;
    std::unordered_map<std::string_view, Entries::iterator> by_key_;
    std::unordered_map<std::string, unsigned> at_once_;  // by network; those that are not 0
};

}  // namespace gh::identity
