#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "access/permission.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace gh::identity {

inline constexpr std::size_t custom_roles_max = 1'000;

/// A role that an operator has made, and what it holds.
struct CustomRole {
    std::string name;
    std::vector<std::string> permissions;  ///< sorted
    SystemTime updated_at;
};

/// Roles besides the four that are built in, in the database.
///
/// Errors besides storage's: `not_found` "role.unknown"; `invalid_argument` "role.name" (malformed, or built in) and
/// "role.permission"; `conflict` "role.in_use"; `exhausted` "role.too_many".
class RoleRepository {
 public:
    explicit RoleRepository(storage::Database& database) : database_(database) {}

    /// By name.
    [[nodiscard]] Task<Result<std::vector<CustomRole>>> list();
    /// Makes it, or replaces what it holds.
    [[nodiscard]] Task<Result<CustomRole>> put(std::string name,
                                               std::vector<std::string> permissions, SystemTime now,
                                               storage::Also<CustomRole> also = {});
    /// One that nobody has.
    [[nodiscard]] Task<Result<CustomRole>> remove(std::string name,
                                                  storage::Also<CustomRole> also = {});

 private:
    storage::Database& database_;
};

/// What roles of an operator's making hold, as the request path wants it. Names of permissions that this program does not
/// know hold nothing.
[[nodiscard]] access::CustomRoles custom_roles_of(const std::vector<CustomRole>& roles);

/// Where the house finds the roles of the moment.
class RoleSource {
 public:
    /// Changes when they do.
    [[nodiscard]] std::uint64_t generation() const {
        return generation_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::shared_ptr<const access::CustomRoles> current() const;
    /// Nothing happens when they are those of now.
    void publish(access::CustomRoles roles);

 private:
    std::atomic<std::uint64_t> generation_ = 1;
    mutable std::mutex mutex_;
    std::shared_ptr<const access::CustomRoles> roles_ =
        std::make_shared<const access::CustomRoles>();
};

}  // namespace gh::identity
