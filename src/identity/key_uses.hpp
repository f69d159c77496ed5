#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/key_repository.hpp"

namespace gh::identity {

/// When each key was last used, until it is written: many at a time, and none on the path of a request. From any thread.
class KeyUses {
 public:
    /// Keys between two writes; uses of further ones are not told.
    static constexpr std::size_t keys_max = 100'000;

    void note(std::string_view id, SystemTime now);
    [[nodiscard]] std::size_t size() const;

    /// Writes what was noted: call it every 10 s, from one place, and once at the end. What could not be written is kept for
    /// the next time.
    [[nodiscard]] Task<Result<void>> write(KeyRepository& keys);

 private:
    using Times = std::unordered_map<std::string, SystemTime>;
    static constexpr std::size_t batch_max = 1'000;  // then other writers have their turn

    [[nodiscard]] Times take();

    mutable std::mutex mutex_;
    Times times_;
};

}  // namespace gh::identity
