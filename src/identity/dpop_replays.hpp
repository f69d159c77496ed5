#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/keyed_hash.hpp"
#include "identity/dpop.hpp"

namespace gh::identity {

/// Proofs that were taken, for as long as they could be shown again. Shared by all workers, so each takes a part's lock for a
/// few hundred nanoseconds. Of a bounded size, up to 32 MiB: when a part is full its next proof is refused, and none is
/// forgotten before its time. Keys are spread over the parts, so that one client fills one of them.
class DpopReplays {
 public:
    enum class Seen : std::uint8_t { never, before, full };

    /// @param proof  good, and of now
    [[nodiscard]] Seen take(const DpopProof& proof, SystemTime now);

    static constexpr std::size_t parts = 16;
    /// Of one part, within dpop_age_max + dpop_ahead_max.
    static constexpr std::size_t proofs_max = 49'152;

 private:
    /// Hashes by open addressing; all zero is an empty place. Grows up to proofs_max at three quarters.
    class Set {
     public:
        [[nodiscard]] bool contains(const Hash128& hash) const;
        /// @return false: it is full
        [[nodiscard]] bool insert(const Hash128& hash);
        void clear();

     private:
        void grow();
        void put(const Hash128& hash);
        std::vector<Hash128> places_;
        std::size_t count_ = 0;
    };
    /// Two generations, each as long as a proof is good: whatever was taken is in one of them that long.
    struct Part {
        std::mutex mutex;
        SystemTime since;
        Set current, previous;
    };

    const KeyedHash hash_ = KeyedHash::random();
    std::array<Part, parts> parts_;
};

}  // namespace gh::identity
