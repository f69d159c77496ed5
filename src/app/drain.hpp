#pragma once

#include <chrono>
#include <memory>
#include <span>

#include "app/house.hpp"
#include "telemetry/log.hpp"

namespace gh::app {

/// Accepts no more, lets what is under way end for at most `patience` or until a second signal, cuts off what is left, and
/// ends the threads.
void drain_workers(std::span<const std::unique_ptr<Crew>> crews, std::chrono::milliseconds patience,
                   telemetry::Log& log);

}  // namespace gh::app
