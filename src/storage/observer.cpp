#include "storage/observer.hpp"

#include <algorithm>

#include "crypto/digest.hpp"

namespace gh::storage {

Observer::Observer(telemetry::Registry& registry, telemetry::Log* log, milliseconds slow)
    : registry_(registry),
      slow_(registry.one_counter("database_slow_queries_total",
                                 "Statements that took longer than storage.slow_query.")),
      log_(log),
      slow_after_(slow) {
    auto& durations = registry.histogram({.name = "database_query_duration_seconds",
                                          .help = "Time of a statement, by its kind.",
                                          .labels = {"kind"}});
    auto& errors = registry.counter({.name = "database_errors_total",
                                     .help = "Statements that failed, by their kind.",
                                     .labels = {"kind"}});
    for (std::size_t i = 0; i < kinds.size(); ++i)
        series_[i] = {&durations.with({kinds[i]}), &errors.with({kinds[i]})};
}

void Observer::done(const Statement& statement, std::chrono::nanoseconds took, const Error* error) {
    const auto kind =
        static_cast<std::size_t>(std::ranges::find(kinds, statement.kind()) - kinds.begin());
    series_[kind].duration->observe(took);
    if (error) series_[kind].errors->add();
    if (took < slow_after_) return;
    slow_.add();
    if (log_ == nullptr) return;
    log_->warning("storage", "slow query")
        .field("statement", statement.name)
        .field("fingerprint", fingerprint(statement))
        .field("duration_ms", std::chrono::duration_cast<milliseconds>(took).count());
}

std::string fingerprint(const Statement& statement) {
    return crypto::sha256_hex(statement.sql).substr(0, 16);
}

}  // namespace gh::storage
