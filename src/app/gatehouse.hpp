#pragma once

#include <csignal>
#include <memory>
#include <string>

#include "app/settings.hpp"
#include "base/error.hpp"

namespace gh::app {

/// The house: built floor by floor, started upwards, drained and stopped downwards. It runs on the calling thread, which
/// waits for signals and changed files, and on one thread a worker.
class Gatehouse {
 public:
    /// @param overrides     kept for reloads
    Gatehouse(Overrides overrides, Surroundings surroundings, ReadSettings read);
    ~Gatehouse();
    Gatehouse(const Gatehouse&) = delete;
    Gatehouse& operator=(const Gatehouse&) = delete;

    /// Blocks the signals the house acts upon; before any thread starts.
    static void block_signals();

    /// Opens everything. @return the first thing that cannot be had; nothing is running then
    [[nodiscard]] Result<void> start();
    /// Serves until SIGTERM or SIGINT, then drains.
    void run();

 private:
    struct House;
    std::unique_ptr<House> house_;
};

}  // namespace gh::app
