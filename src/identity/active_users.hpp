#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/principal.hpp"
#include "access/revocations.hpp"
#include "base/clock.hpp"

namespace gh::identity {

/// How many people are signed in: users with a token that this node has made or recognised, and that has neither expired nor
/// been revoked. Counts from the start of the process anew. From any thread.
class ActiveUsers {
 public:
    static constexpr std::size_t users_max = 100'000;  ///< more are not counted
    /// Of one user; of more, those that are good for longest.
    static constexpr std::size_t tokens_max = 16;

    /// Whatever is no user's token with an end is passed over. A few instructions under a lock of its own: for when a token is
    /// made or met for the first time, not for each request.
    void saw(const std::shared_ptr<const access::Principal>& principal);

    /// Looks at all of them and forgets those that are over.
    [[nodiscard]] std::size_t count(const access::Revocations& revocations, SystemTime now);

 private:
    static constexpr std::size_t stripes = 64;
    using Tokens = std::vector<std::shared_ptr<const access::Principal>>;
    struct Stripe {
        std::mutex mutex;
        std::unordered_map<std::string, Tokens> users;  // by issuer and subject
    };
    std::array<Stripe, stripes> stripes_;
};

}  // namespace gh::identity
