#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>

#include "export/loki_queue.hpp"
#include "export/spool.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::exporting {

/// Bodies that are to be sent, oldest first: in memory while that does, in the spool otherwise. For one thread.
class LokiBacklog {
 public:
    /// What waits in memory before it goes to the spool, Loki well or not.
    static constexpr std::size_t memory_bytes_max = 2 * 1024 * 1024;

    LokiBacklog(std::filesystem::path folder, std::uint64_t bytes_max,
                telemetry::Registry& registry, telemetry::Log& log);

    /// Is there room for more? Not where memory is full and the disk takes nothing.
    [[nodiscard]] bool has_room() const { return memory_bytes_ < 4 * memory_bytes_max; }
    void add(LokiQueue::Body body);

    /// The oldest stays the same until done() or, where the spool had to make room, until it was sent all the same.
    [[nodiscard]] const LokiQueue::Body* front();
    /// The front is no more: it was sent, or refused.
    void done();

    /// Brings what is in memory to the disk, as far as that takes it, the front included.
    void spill();
    [[nodiscard]] bool memory_is_full() const { return memory_bytes_ > memory_bytes_max; }
    /// For the end of the process: brings all to the disk, and that to its platters.
    /// @return lines for which there is no room
    [[nodiscard]] std::uint64_t keep();

 private:
    [[nodiscard]] bool open_spool();
    [[nodiscard]] bool write(const LokiQueue::Body& body);
    void look_at_spool();

    const std::filesystem::path folder_;
    const std::uint64_t bytes_max_;
    telemetry::Log& log_;
    telemetry::Counter& spool_full_;
    telemetry::Counter& damaged_;
    telemetry::Gauge& spool_bytes_;

    std::optional<Spool> spool_;
    std::optional<LokiQueue::Body> front_;
    std::optional<SpoolPosition> front_end_;  // set: it is in the spool, too
    std::deque<LokiQueue::Body> waiting_;     // all newer than what the spool has
    std::size_t memory_bytes_ = 0;            // of waiting_
    bool disk_well_ = true;
};

}  // namespace gh::exporting
