#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/principal.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "vault/rotation/repository.hpp"

namespace gh::vault::rotation {

/// "api_key:billing": how a reader is called in rules and lists. What is longer than a name may be is cut.
[[nodiscard]] std::string consumer_of(const access::Principal& principal);

/// Who has read which version of a rotated secret last, until it is written: many at a time, and none on the path of a
/// request. Secrets without a rotation cost a look at one word. From any thread.
class Uses {
 public:
    /// Readers and paths between two writes; further ones wait for their next read.
    static constexpr std::size_t uses_max = 20'000;

    /// The paths that have a rotation: learnt from the database every few seconds.
    void watch(std::vector<std::string> paths);
    /// One more, before that.
    void watch_too(std::string path);
    void note(std::string_view path, const access::Principal& principal, std::uint64_t version,
              SystemTime now);
    /// Writes what was noted. What could not be written is kept for the next time.
    [[nodiscard]] Task<Result<void>> write(Repository& rotations);

 private:
    using Key = std::pair<std::string, std::string>;
    static constexpr std::size_t batch_max = 500;

    [[nodiscard]] std::vector<Use> take();
    void put_back(const std::vector<Use>& uses);

    std::atomic<bool> watching_ = false;
    std::mutex mutex_;
    std::set<std::string, std::less<>> paths_;
    std::map<Key, Use> uses_;
};

}  // namespace gh::vault::rotation
