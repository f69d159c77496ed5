#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace gh::app {

/// Tells on standard error how far long work is, each second.
class BackupProgress {
 public:
    explicit BackupProgress(std::string_view what) : what_(what) {}
    void operator()(std::uint64_t rows) {
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return;
        next_ = now + std::chrono::seconds(1);
        std::fprintf(stderr, "gatehouse: %llu rows %.*s\n", static_cast<unsigned long long>(rows),
                     static_cast<int>(what_.size()), what_.data());
    }

 private:
    std::string_view what_;
    std::chrono::steady_clock::time_point next_ =
        std::chrono::steady_clock::now() + std::chrono::seconds(1);
};

}  // namespace gh::app
