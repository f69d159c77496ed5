#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/token.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace gh::agents {

struct NewToken {
    MadeToken made;
    std::string agent_id;
    std::string family;  ///< empty: it is the first of one
    std::string created_by;
    SystemTime expires_at;
};

/// What a refresh token turned out to be. A refusal is part of what is returned, not an error: the transaction is kept, for
/// it may have ended a family.
struct Claimed {
    std::string_view refusal;  ///< "agent.token_reused", ...; empty: it is good, and now used
    Token token;               ///< of what was refused, too, where it is known
    bool family_ended = false;
};

/// Errors besides storage's: `not_found` "agent.token_unknown"; `conflict` "agent.tokens_many".
class TokenRepository {
 public:
    static constexpr std::int64_t cleaned_at_once = 1'000;
    static constexpr std::int64_t families_max = 20;  ///< of one agent, that are good

    explicit TokenRepository(storage::Database& database) : database_(database) {}

    /// Within a transaction that has more to do.
    [[nodiscard]] static Task<Result<Token>> put(storage::Session& session, NewToken token,
                                                 SystemTime now);
    [[nodiscard]] Task<Result<Token>> add(NewToken token, SystemTime now,
                                          storage::Also<Token> also = {});

    /// Exchanges the token of this text for `next`, once. One that is used a second time has been stolen, or its heir has:
    /// its family ends. Refusals: "agent.token_unknown", "agent.token_ended", "agent.token_expired", "agent.token_reused".
    /// @param next  its agent and family are the old one's
    [[nodiscard]] Task<Result<Claimed>> refresh(std::string text, NewToken next, SystemTime now,
                                                storage::Also<Claimed> also = {});

    /// Is this the text of one of them, good or not?
    [[nodiscard]] Task<Result<bool>> is_known(std::string text);

    /// In the order of their making, behind `after`.
    [[nodiscard]] Task<Result<std::vector<Token>>> list(
        std::string agent_id, std::optional<std::pair<SystemTime, std::string>> after,
        std::size_t limit, std::size_t offset = 0);
    [[nodiscard]] Task<Result<Token>> find(std::string agent_id, std::string id);

    /// Ends a token and its family. Twice is no error, and `also` hears of it each time.
    [[nodiscard]] Task<Result<Token>> revoke(std::string agent_id, std::string id, SystemTime now,
                                             storage::Also<Token> also = {});
    /// All of an agent's.
    /// @return the families of tokens that were made after `since`
    [[nodiscard]] static Task<Result<std::vector<std::string>>> revoke_all(
        storage::Session& session, std::string agent_id, SystemTime now, SystemTime since);

    /// Families, and when an access token of theirs was last used.
    [[nodiscard]] Task<Result<void>> touch(std::vector<std::pair<std::string, SystemTime>> uses);
    /// Removes those that had expired by then, at most `cleaned_at_once`; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> clean(SystemTime before);

 private:
    storage::Database& database_;
};

}  // namespace gh::agents
