#pragma once

#include <atomic>
#include <cstddef>

namespace gh::access {

/// One of the look-ups of anybody that may wait for the database, among whose readers the API keys of others stand in line,
/// too.
class Lookup {
 public:
    static constexpr std::size_t at_once_max = 16;

    explicit Lookup(std::atomic<std::size_t>& count)
        : count_(count), admitted_(count.fetch_add(1, std::memory_order_relaxed) < at_once_max) {}
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    ~Lookup() { count_.fetch_sub(1, std::memory_order_relaxed); }
    [[nodiscard]] bool admitted() const { return admitted_; }

 private:
    std::atomic<std::size_t>& count_;
    bool admitted_;
};

}  // namespace gh::access
