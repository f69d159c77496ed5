#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "export/log_queue.hpp"
#include "export/loki.hpp"

namespace gh::exporting {

/// Lines with the moment they came, on their way to Loki. Thread-safe, but for take().
class LokiQueue {
 public:
    LokiQueue(std::size_t bytes_max, std::size_t batch_bytes)
        : queue_(bytes_max, batch_bytes), batch_bytes_(batch_bytes) {}

    /// @param lines  whole ones, each ended by '\n'. May throw std::bad_alloc.
    [[nodiscard]] LogQueue::Added add(loki::Stream stream, std::string_view lines,
                                      std::int64_t nanoseconds);
    void shut() noexcept { queue_.shut(); }

    struct Body {
        std::uint32_t lines = 0;
        std::string text;
    };
    /// All that is there, oldest first, as bodies of about batch_bytes of lines.
    [[nodiscard]] std::vector<Body> take(const loki::Labels& labels);

 private:
    LogQueue queue_;
    const std::size_t batch_bytes_;
    loki::Stamps stamps_;
};

}  // namespace gh::exporting
