#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"
#include "vault/path_rules.hpp"

namespace gh::vault {

inline constexpr std::int64_t policies_max = 10'000;

/// What a write did, for the audit log.
struct PolicyChange {
    std::string name;
};

/// Policies in the database, as they were written.
///
/// Errors besides storage's: those of parse_policy() and check_policy_name(); `conflict` "policy.too_many".
class PolicyRepository {
 public:
    explicit PolicyRepository(storage::Database& database) : database_(database) {}

    /// Makes it, or takes the place of what was there.
    [[nodiscard]] Task<Result<PolicyChange>> put(std::string name, std::string document,
                                                 SystemTime now,
                                                 storage::Also<PolicyChange> also = {});
    /// Nothing where there is none.
    [[nodiscard]] Task<Result<std::optional<std::string>>> find(std::string name);
    [[nodiscard]] Task<Result<std::vector<std::string>>> list();
    /// What is not there is no error.
    [[nodiscard]] Task<Result<PolicyChange>> remove(std::string name,
                                                    storage::Also<PolicyChange> also = {});
    /// What some of them say together, as of now. A name that there is none of says nothing; one that cannot be read any more
    /// is `corrupt` "policy.unreadable": it may have denied.
    [[nodiscard]] Task<Result<PathRules>> rules(std::vector<std::string> names);

 private:
    storage::Database& database_;
};

}  // namespace gh::vault
