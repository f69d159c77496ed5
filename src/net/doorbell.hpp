#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/loop.hpp"

namespace gh::net {

/// Tells coroutines on any loop that something of a name has changed. Who has been rung for looks for itself: rings are not
/// counted, and one that comes before the visit begins is not heard.
class Doorbell {
    struct Ear;

 public:
    Doorbell() = default;
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;

    /// Wakes whoever waits at this name. From any thread.
    void ring(std::string_view name);
    /// Wakes everybody: nobody knows what has changed. From any thread.
    void ring_all();
    /// Names at which somebody waits, at most so many. From any thread.
    [[nodiscard]] std::vector<std::string> names(std::size_t max) const;

    /// How many wait at a name. From any thread.
    [[nodiscard]] std::size_t visitors(std::string_view name);

    /// As long as it lives, `wakeup` is woken when the name is rung for. Belongs to the thread of the wakeup's loop, and ends
    /// before the wakeup and the bell.
    class Visitor {
     public:
        Visitor(Doorbell& bell, std::string name, Wakeup& wakeup);
        ~Visitor();
        Visitor(const Visitor&) = delete;
        Visitor& operator=(const Visitor&) = delete;

     private:
        Doorbell& bell_;
        std::string name_;
        std::shared_ptr<Ear> ear_;
    };

 private:
    struct Ear {
        explicit Ear(Wakeup& wakes) : mailbox(wakes.loop().mailbox()), wakeup(&wakes) {}
        const std::shared_ptr<Mailbox> mailbox;
        Wakeup* wakeup;                 // of the loop's thread alone; null: the visit is over
        std::atomic<bool> rung{false};  // and the loop has not heard it yet
    };
    using Ears = std::vector<std::shared_ptr<Ear>>;
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    struct Stripe {
        mutable std::mutex mutex;
        std::unordered_map<std::string, Ears, Hash, std::equal_to<>> visits;
    };
    static constexpr std::size_t stripes = 16;

    [[nodiscard]] Stripe& stripe_of(std::string_view name) {
        return stripes_[Hash{}(name) % stripes];
    }
    static void tell(const std::shared_ptr<Ear>& ear);

    std::array<Stripe, stripes> stripes_;
};

}  // namespace gh::net
