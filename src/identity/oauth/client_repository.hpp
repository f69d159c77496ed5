#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/api_keys.hpp"
#include "identity/oauth/client.hpp"
#include "storage/database.hpp"

namespace gh::identity::oauth {

/// A client that was just made, with the one copy of its secret.
struct MadeClient {
    Client client;
    std::string secret;  ///< to be shown once; empty for a client without
};

/// Clients, in the database.
///
/// Errors besides storage's: `not_found` "client.unknown"; those of checked().
class ClientRepository {
 public:
    ClientRepository(storage::Database& database, std::shared_ptr<const ApiKeyHasher> hasher)
        : database_(database), hasher_(std::move(hasher)) {}

    [[nodiscard]] Task<Result<MadeClient>> create(NewClient client, SystemTime now,
                                                  storage::Also<Client> also = {});
    [[nodiscard]] Task<Result<Client>> find(std::string id);
    /// In order of their making, at most `limit`.
    [[nodiscard]] Task<Result<std::vector<Client>>> list(std::size_t limit);
    /// From now on it is nobody: its grants end and its access tokens are void. Twice is no error.
    [[nodiscard]] static Task<Result<Client>> disable(storage::Session& session, std::string id,
                                                      SystemTime now);
    [[nodiscard]] Task<Result<Client>> disable(std::string id, SystemTime now,
                                               storage::Also<Client> also = {});

    /// Within a transaction of the caller's.
    [[nodiscard]] static Task<Result<Client>> find_in(storage::Session& session, std::string id);
    [[nodiscard]] static Task<Result<Client>> insert_in(storage::Session& session, Client client);
    /// A client as create() would make it, not kept yet.
    [[nodiscard]] Result<MadeClient> made_of(NewClient client, SystemTime now) const;

 private:
    storage::Database& database_;
    std::shared_ptr<const ApiKeyHasher> hasher_;
};

}  // namespace gh::identity::oauth
