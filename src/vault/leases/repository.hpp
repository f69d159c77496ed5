#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"
#include "vault/leases/role.hpp"
#include "vault/secret.hpp"

namespace gh::vault::leases {

inline constexpr std::int64_t roles_max = 1'000;
inline constexpr std::int64_t leases_max = 10'000;
inline constexpr std::size_t due_at_once = 32;
/// Until then whoever asked has an answer, or a user that may have been made is ended.
inline constexpr seconds making_max{60};
/// Whoever ends one has so long; then it is anybody's who is there.
inline constexpr seconds ending_max{30};

/// making: the server may have its user or not. ending: its user goes, or is tried to.
enum class State : std::uint8_t { making, live, ending };
[[nodiscard]] std::string_view name_of(State state);

struct Lease {
    std::string id;  ///< "database/creds/app/" and 24 letters and digits
    std::string role;
    std::string connection;
    std::string username;
    std::vector<std::string> revocation;
    std::string holder;  ///< whose it is, as "api_key:billing"
    State state = State::making;
    SystemTime issued_at, expires_at;
    std::optional<SystemTime> renewed_at;
    SystemTime ends_at;  ///< no renewal reaches beyond
    SystemTime next_at;  ///< when somebody is to look after it
    std::uint32_t failures = 0;
    std::string error;
};

struct LeaseOverview {
    std::int64_t live = 0, failing = 0;
};

/// Roles and leases in the database.
///
/// Errors besides storage's: `not_found` "lease.role", "lease.unknown"; `conflict` "lease.too_many", "lease.changed".
class Repository {
 public:
    explicit Repository(storage::Database& database) : database_(database) {}

    [[nodiscard]] Task<Result<Role>> put_role(Role role, SystemTime now,
                                              storage::Also<Role> also = {});
    [[nodiscard]] Task<Result<Role>> find_role(std::string name);
    [[nodiscard]] Task<Result<std::vector<std::string>>> role_names();
    /// Leases of it go on. @return one without statements where there is none
    [[nodiscard]] Task<Result<Role>> remove_role(std::string name, storage::Also<Role> also = {});

    /// The server of a connection is meant when its secret is written so, and forgotten with that.
    /// @param server  storage::text_of() of its URL; empty: forgotten
    [[nodiscard]] static storage::Also<SecretChange> meant(std::string connection,
                                                           std::string server,
                                                           storage::Also<SecretChange> also);
    /// @return empty: nobody has set one
    [[nodiscard]] Task<Result<std::string>> meant_server(std::string connection);

    /// Before the server hears of its user.
    [[nodiscard]] Task<Result<Lease>> add(Lease lease, storage::Also<Lease> also = {});
    /// The server has its user. @return "lease.changed": it took too long, and is being ended
    [[nodiscard]] Task<Result<Lease>> went_live(std::string id);
    [[nodiscard]] Task<Result<Lease>> find(std::string id);
    /// Those that are live.
    [[nodiscard]] Task<Result<std::vector<std::string>>> ids(std::string prefix, std::size_t limit);
    [[nodiscard]] Task<Result<Lease>> renew(std::string id, SystemTime expires, SystemTime now,
                                            storage::Also<Lease> also = {});
    /// It is over; its user goes as soon as the server is there.
    [[nodiscard]] Task<Result<Lease>> begin_end(std::string id, SystemTime now,
                                                storage::Also<Lease> also = {});

    [[nodiscard]] Task<Result<std::vector<Lease>>> due(SystemTime now);
    /// @return false: another has it, or it was renewed
    [[nodiscard]] Task<Result<bool>> take(const Lease& lease, SystemTime now);
    /// Its user is gone.
    [[nodiscard]] Task<Result<Lease>> ended(Lease lease, storage::Also<Lease> also = {});
    [[nodiscard]] Task<Result<Lease>> not_ended(Lease lease, Error error, SystemTime again);
    [[nodiscard]] Task<Result<LeaseOverview>> overview();

 private:
    storage::Database& database_;
};

}  // namespace gh::vault::leases
