#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

// Events and envelopes of Sentry's protocol, version 7; pure.

namespace gh::exporting::sentry {

inline constexpr std::string_view content_type = "application/x-sentry-envelope";

/// What is the same in every event.
struct About {
    std::string version;      ///< of the house: "0.1.0"
    std::string release;      ///< empty: "gatehouse@VERSION"
    std::string environment;  ///< empty: "production", as Sentry has it
    std::string server_name;  ///< empty: left out
};

/// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string new_event_id();

/// Is it a line of the server log that an event is made of, level ERROR?
[[nodiscard]] bool is_error(std::string_view line);
/// The same for lines of one component that say the same sentence for the same reason.
[[nodiscard]] std::uint64_t kind_of(std::string_view line);

/// A line as an event. Of its fields those that tell of the house pass, by a list: never an address, a user or anything else of
/// a request but its ids.
/// @param line    redacted
/// @param before  errors of the same kind that were held back since the last event of it
/// @return        JSON in one line, or errors of codec::json::parse()
[[nodiscard]] Result<std::string> event_of(std::string_view line, const About& about,
                                           std::string_view event_id, std::uint64_t before);

/// An envelope with one event.
[[nodiscard]] std::string envelope(std::string_view event_id, std::string_view event,
                                   const About& about, SystemTime sent_at);

/// For how long an answer forbids errors: 0: it does not.
/// @param limits       X-Sentry-Rate-Limits, its lines joined by commas; of any status
/// @param retry_after  as the answer had it, 0: it had none
[[nodiscard]] std::chrono::seconds forbidden_for(unsigned status, std::string_view limits,
                                                 std::chrono::seconds retry_after);

/// Lets a few errors of each kind pass in a while, and counts the others. For one thread at a time.
class Repeats {
 public:
    static constexpr std::uint32_t same_max = 5;
    static constexpr std::chrono::minutes window{1};
    static constexpr std::size_t kinds_max = 128;  ///< remembered; beyond it the oldest goes

    struct Verdict {
        bool passes = false;
        std::uint64_t before = 0;  ///< held back since the last that passed
    };
    [[nodiscard]] Verdict look_at(std::uint64_t kind, SteadyTime now);
    /// One that passed with `before` got nowhere: the next of its kind tells of both.
    void give_back(std::uint64_t kind, std::uint64_t before);

 private:
    struct Entry {
        std::uint64_t kind = 0;
        SteadyTime since = SteadyTime::min();
        std::uint32_t passed = 0;
        std::uint64_t held = 0;
    };
    std::array<Entry, kinds_max> entries_{};
};

}  // namespace gh::exporting::sentry
