#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/acme/resources.hpp"
#include "storage/database.hpp"

namespace gh::pki::acme {

/// Accounts and the keys of external ones.
///
/// Errors besides storage's: `not_found` "acme.account_unknown"; `conflict` "acme.key_in_use"; `permission_denied`
/// "acme.external_account_refused" (no such external key, or another account's).
class AccountRepository {
 public:
    explicit AccountRepository(storage::Database& database) : database_(database) {}

    struct New {
        codec::Jwk key;
        std::vector<std::string> contacts;
        std::optional<std::string> external_key_id;  ///< proven to be the client's
    };
    [[nodiscard]] Task<Result<Account>> create(New account, SystemTime now,
                                               storage::Also<Account> also);
    [[nodiscard]] Task<Result<Account>> find(std::string id);
    [[nodiscard]] Task<Result<Account>> find_by_key(std::string thumbprint);

    struct Change {
        std::optional<std::vector<std::string>> contacts;
        std::optional<codec::Jwk> key;
        bool deactivate = false;  ///< with all that it has under way (RFC 8555 §7.3.6)
    };
    [[nodiscard]] Task<Result<Account>> change(std::string id, Change change,
                                               storage::Also<Account> also);

    struct ExternalKey {
        std::string id;
        std::string name;  ///< for people
        SystemTime created_at;
        SystemTime expires_at;  ///< what was not used by then is of no use
    };
    [[nodiscard]] Task<Result<ExternalKey>> add_external_key(std::string name, SystemTime now,
                                                             SystemTime expires_at,
                                                             storage::Also<ExternalKey> also);

    static constexpr std::size_t page = 500;
    /// At most `page` of them behind the id `after`, in order of their making, with the names of their external keys.
    struct Listed {
        Account account;
        std::string key_name;  ///< empty: none
    };
    [[nodiscard]] Task<Result<std::vector<Listed>>> list(std::string after);
    /// Those of which nobody has made an account, in order of their ids; at most `page` behind `after`.
    [[nodiscard]] Task<Result<std::vector<ExternalKey>>> unused_keys(std::string after);

    /// By the operator, for good, with all that it has under way (RFC 8555 §7.1.2).
    [[nodiscard]] Task<Result<Account>> revoke(std::string id, storage::Also<Account> also);
    /// @return `not_found` "acme.external_key_unknown": no such key, or one that was used
    [[nodiscard]] Task<Result<ExternalKey>> end_external_key(std::string id, SystemTime now,
                                                             storage::Also<ExternalKey> also);
    /// Removes accounts made before `before` that came without an external key, ordered nothing of late and hold no
    /// certificate; how many, at most `page`.
    [[nodiscard]] Task<Result<std::uint64_t>> clean(SystemTime before);

 private:
    storage::Database& database_;
};

}  // namespace gh::pki::acme
