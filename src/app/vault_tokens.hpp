#pragma once

#include "identity/key_terms.hpp"
#include "identity/room.hpp"
#include "storage/database.hpp"
#include "vault/tokens.hpp"

namespace gh::app {

/// The tokens of the vault's API are keys of the house.
class VaultTokens final : public vault::Tokens {
 public:
    /// @param room, database  outlive it
    VaultTokens(identity::Room& room, storage::Database& database)
        : room_(room), terms_(database, room.keys) {}

    [[nodiscard]] Task<Result<vault::MadeToken>> create(const api::Call& call,
                                                        vault::WantedToken wanted) override;
    [[nodiscard]] Task<Result<vault::Token>> find(std::string accessor) override;
    [[nodiscard]] Task<Result<std::string>> accessor_of(std::string_view text) override;
    [[nodiscard]] Task<Result<vault::Token>> renew(const api::Call& call, std::string accessor,
                                                   std::optional<seconds> wished) override;
    [[nodiscard]] Task<Result<void>> revoke(const api::Call& call, std::string accessor,
                                            bool lets_go) override;
    [[nodiscard]] Task<Result<void>> revoke_own(const api::Call& call) override;
    [[nodiscard]] Task<Result<std::vector<std::string>>> accessors(std::size_t limit) override;

 private:
    [[nodiscard]] Task<Result<void>> revoke_alone(const api::Call& call, std::string accessor);

    identity::Room& room_;
    identity::KeyTermsRepository terms_;
};

}  // namespace gh::app
