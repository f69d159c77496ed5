#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

// Bodies of Grafana Loki's push API (POST /loki/api/v1/push, JSON); pure.

namespace gh::exporting::loki {

inline constexpr std::string_view content_type = "application/json";

/// Labels that are the same for every line. Names are [a-zA-Z_][a-zA-Z0-9_]*.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Which of the house's logs: the label `stream` is "stderr" or "stdout", where the two are written unless a file is named.
enum class Stream : std::uint8_t { server, access };

struct Entry {
    std::int64_t nanoseconds = 0;  ///< since 1970
    Stream stream = Stream::server;
    std::string_view line;  ///< without its '\n'
};

/// "debug", "info", "warning", "error", of a line of ours; "unknown" of any other.
[[nodiscard]] std::string_view level_of(std::string_view line);

/// Appends one body. Entries of one stream and level are one stream of Loki, in the order given.
void append_body(std::string& out, const Labels& labels, const std::vector<Entry>& entries);

/// Gives each line its own time, later than that of the line before: a server may refuse what comes out of order. A clock
/// that is set back by no more than `step_max` is waited for; one that is set back further is followed.
class Stamps {
 public:
    static constexpr std::chrono::minutes step_max{1};
    [[nodiscard]] std::int64_t stamp(std::int64_t nanoseconds);

 private:
    std::int64_t last_ = 0;
};

}  // namespace gh::exporting::loki
