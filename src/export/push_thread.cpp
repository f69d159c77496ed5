#include "export/push_thread.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace gh::exporting {

void PushThread::start() {
    thread_ = std::jthread([this] { loop_.run(); });
    pthread_setname_np(thread_.native_handle(), name_.c_str());
}

void PushThread::end(std::chrono::milliseconds timeout,
                     std::move_only_function<void()> told) noexcept {
    if (!thread_.joinable() || ended_.exchange(true)) return;
    loop_.post([this, timeout, told = std::move(told)]() mutable {
        ends_at_ = loop_.now() + timeout;
        told();
    });
}

void PushThread::wait() noexcept {
    if (thread_.joinable()) thread_.join();
}

std::chrono::milliseconds PushThread::patience(std::chrono::milliseconds timeout) const {
    if (!ending()) return timeout;
    return std::clamp(std::chrono::ceil<std::chrono::milliseconds>(ends_at_ - loop_.now()),
                      std::chrono::milliseconds{1}, timeout);
}

Task<> PushThread::pause(net::Wakeup& bell, std::chrono::milliseconds duration) {
    const auto until = loop_.now() + duration;
    while (loop_.now() < std::min(until, ends_at_)) {
        bell.expire_at(std::min(until, ends_at_));
        co_await bell.wait();
        if (ending()) break;
    }
    bell.never_expire();
}

}  // namespace gh::exporting
