#include "pki/acme_client/schedule.hpp"

#include <algorithm>

namespace gh::pki::acme_client {
namespace {

template <class Duration>
Duration share(Duration whole, double part) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(whole.count()) * part));
}

}  // namespace

SystemTime renewal_without_advice(SystemTime not_before, SystemTime not_after, double chance) {
    const auto life = not_after - not_before;
    return not_before + life / 3 * 2 + share(life / 50, chance);
}

SystemTime renewal_within(const RenewalWindow& window, SystemTime not_before, SystemTime not_after,
                          double chance) {
    const auto chosen = window.start + share(window.end - window.start, chance);
    return std::min(chosen, not_after - (not_after - not_before) / 9);
}

Failure kind_of(const Error& error) {
    if (error.reason == "acme_client.chain") return Failure::useless;
    const bool away =
        error.kind == ErrorKind::unavailable || error.kind == ErrorKind::deadline_exceeded;
    return away ? Failure::away : Failure::refused;
}

seconds pause_after(Failure failure, std::uint32_t failures, std::optional<seconds> retry_after,
                    double chance) {
    constexpr std::uint32_t doublings_max = 16;
    using std::chrono::hours;
    struct Range {
        seconds least, most;
    };
    // One that was mended at once is soon tried; then fewer than five an hour, which is where CAs draw the line.
    const bool once = failures <= 1;
    const seconds again(once ? 60 : 450);
    const auto [least, most] = failure == Failure::away      ? Range{seconds(5), seconds(900)}
                               : failure == Failure::refused ? Range{again, hours(6)}
                                                             : Range{hours(6), hours(48)};
    const auto doublings = std::min(std::max(failures, 1U) - 1, doublings_max);
    const auto pause = std::min(least * (1 << doublings), most);
    const auto shaken = share(pause, 0.8 + 0.4 * chance);
    return std::max({shaken, seconds(1), retry_after.value_or(seconds(0))});
}

}  // namespace gh::pki::acme_client
