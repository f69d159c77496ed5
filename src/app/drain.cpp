#include "app/drain.hpp"

#include <csignal>
#include <future>
#include <thread>

#include "app/machine.hpp"

namespace gh::app {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(50);

bool all_idle(std::span<const std::unique_ptr<Crew>> crews) {
    bool all = true;
    for (const auto& crew : crews) {
        std::promise<bool> answer;
        auto future = answer.get_future();
        crew->worker.loop.post([&] { answer.set_value(crew->server.is_idle()); });
        all = future.get() && all;
    }
    return all;
}

/// Waits for a moment. @return true when a second signal came: who sent it does not want to wait
bool impatient() {
    const timespec poll{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(poll_interval).count()};
    const auto set = our_signals();
    const int signal = ::sigtimedwait(&set, nullptr, &poll);
    return signal == SIGTERM || signal == SIGINT;
}

}  // namespace

void drain_workers(std::span<const std::unique_ptr<Crew>> crews, std::chrono::milliseconds patience,
                   telemetry::Log& log) {
    log.info("app", "draining");
    for (const auto& crew : crews)
        crew->worker.loop.post([&server = crew->server] { server.drain(); });
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!all_idle(crews) && std::chrono::steady_clock::now() < deadline && !impatient()) {
    }
    if (!all_idle(crews)) {
        log.warning("app", "cutting off what is left");
        for (const auto& crew : crews)
            crew->worker.loop.post([&server = crew->server] { server.cut_off(); });
        for (int i = 0; i < 20 && !all_idle(crews); ++i) std::this_thread::sleep_for(poll_interval);
    }
    for (const auto& crew : crews) crew->worker.loop.stop();
    for (const auto& crew : crews) crew->thread.join();
}

}  // namespace gh::app
