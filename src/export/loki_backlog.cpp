#include "export/loki_backlog.hpp"

#include <utility>

namespace gh::exporting {

LokiBacklog::LokiBacklog(std::filesystem::path folder, std::uint64_t bytes_max,
                         telemetry::Registry& registry, telemetry::Log& log)
    : folder_(std::move(folder)),
      bytes_max_(bytes_max),
      log_(log),
      spool_full_(registry
                      .counter({.name = "gatehouse_loki_lines_dropped_total",
                                .help = "Log lines that Loki has not got, by why.",
                                .labels = {"reason"}})
                      .with({"spool_full"})),
      damaged_(registry.one_counter("gatehouse_loki_spool_damaged_total",
                                    "Files of the spool whose rest could not be read.")),
      spool_bytes_(registry.one_gauge("gatehouse_loki_spool_bytes",
                                      "Log lines on the disk that wait for Loki.")) {}

bool LokiBacklog::open_spool() {
    if (spool_) return true;
    auto opened = Spool::open(folder_, {.bytes_max = bytes_max_});
    if (opened) {
        spool_.emplace(*std::move(opened));
        disk_well_ = true;
        return true;
    }
    if (std::exchange(disk_well_, false))
        log_.warning("export", "the spool of log lines cannot be used; they wait in memory")
            .error(opened.error());
    return false;
}

bool LokiBacklog::write(const LokiQueue::Body& body) {
    if (!open_spool()) return false;
    const auto written = spool_->append(body.lines, body.text);
    if (written) {
        disk_well_ = true;
    } else if (std::exchange(disk_well_, false)) {
        log_.warning("export", "log lines cannot be spooled; they wait in memory")
            .error(written.error());
    }
    return written.has_value();
}

void LokiBacklog::look_at_spool() {
    if (!spool_) return;
    const auto lost = spool_->take_lost();
    if (lost.lines > 0) spool_full_.add(lost.lines);
    if (lost.damaged > 0) damaged_.add(lost.damaged);
    spool_bytes_.set(static_cast<std::int64_t>(spool_->bytes()));
}

void LokiBacklog::add(LokiQueue::Body body) {
    memory_bytes_ += body.text.size();
    waiting_.push_back(std::move(body));
}

const LokiQueue::Body* LokiBacklog::front() {
    if (front_) return &*front_;
    if (open_spool()) {
        if (auto batch = spool_->front()) {
            front_.emplace(batch->lines, std::move(batch->body));
            front_end_ = batch->end;
        }
        look_at_spool();
    }
    if (!front_ && !waiting_.empty()) {
        front_ = std::move(waiting_.front());
        waiting_.pop_front();
        memory_bytes_ -= front_->text.size();
        front_end_.reset();
    }
    return front_ ? &*front_ : nullptr;
}

void LokiBacklog::done() {
    if (front_end_ && spool_) spool_->sent(*front_end_);
    front_.reset();
    front_end_.reset();
    look_at_spool();
}

void LokiBacklog::spill() {
    if (!open_spool()) return;
    // The front is older than all the others, but for what another process has left in the spool: then it is sent from memory.
    if (front_ && !front_end_ && spool_->bytes() == 0) {
        if (!write(*front_)) return;
        if (const auto batch = spool_->front()) front_end_ = batch->end;
    }
    while (!waiting_.empty() && write(waiting_.front())) {
        memory_bytes_ -= waiting_.front().text.size();
        waiting_.pop_front();
    }
    look_at_spool();
}

std::uint64_t LokiBacklog::keep() {
    spill();
    std::uint64_t lines = front_ && !front_end_ && !write(*front_) ? front_->lines : 0;
    if (spool_) spool_->sync();
    for (const auto& body : waiting_) lines += body.lines;
    return lines;
}

}  // namespace gh::exporting
