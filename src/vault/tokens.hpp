#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"

namespace gh::vault {

/// How long a token lasts, and whether it may be made to last longer.
struct TokenTerms {
    bool renewable = true;
    seconds ttl{};                            ///< from its making, and from each renewal
    std::optional<seconds> period;            ///< each renewal gives it so long, without end
    std::optional<seconds> explicit_max_ttl;  ///< no renewal makes it older
};

struct WantedToken {
    std::vector<std::string> policies;  ///< names; none: what who asks has
    std::string display_name;
    std::string meta;  ///< a JSON object of texts, or empty
    TokenTerms terms;
    bool is_orphan = false;      ///< outlasts who asks for it
    bool may_be_orphan = false;  ///< who asks may make one that does
};

/// A credential as clients of KV stores see it. The accessor names it, and is no secret.
struct Token {
    std::string accessor, display_name, meta;
    std::vector<std::string> policies;  ///< roles and policies
    SystemTime created_at;
    std::optional<SystemTime> expires_at;  ///< nothing: it does not end by itself
    std::optional<SystemTime> renewed_at;
    std::optional<TokenTerms> terms;  ///< nothing: it was not made here, and is not renewed
    bool is_orphan = true;
};

struct MadeToken {
    Token token;
    std::string text;  ///< to be shown once
};

/// The credentials of the house, as the routes below auth/token need them: whoever keeps them does this. Each act is in the
/// audit log, or it does not happen.
///
/// Errors: `not_found` "token.unknown"; `conflict` "token.not_renewable", "token.too_many", "token.too_deep";
/// `invalid_argument` "token.above" (more than who asks may hand out), "token.orphan", "token.bound" (who asks is bound to a
/// key or a certificate, or acts for somebody), "token.elsewhere" (not kept here), "token.wanted"; errors of the database.
class Tokens {
 public:
    virtual ~Tokens() = default;

    /// A token that ends no later than the one of who asks, but for an orphan. Where it names policies, it stands for itself;
    /// else for who asks.
    [[nodiscard]] virtual Task<Result<MadeToken>> create(const api::Call& call,
                                                         WantedToken wanted) = 0;
    [[nodiscard]] virtual Task<Result<Token>> find(std::string accessor) = 0;
    /// Whose text that is, be it good for nothing any more.
    [[nodiscard]] virtual Task<Result<std::string>> accessor_of(std::string_view text) = 0;
    [[nodiscard]] virtual Task<Result<Token>> renew(const api::Call& call, std::string accessor,
                                                    std::optional<seconds> wished) = 0;
    /// Ends it, and with it what it made but where that is let go first.
    [[nodiscard]] virtual Task<Result<void>> revoke(const api::Call& call, std::string accessor,
                                                    bool lets_go) = 0;
    /// Ends the credential of who asks, whatever it is.
    [[nodiscard]] virtual Task<Result<void>> revoke_own(const api::Call& call) = 0;
    /// Accessors of all that live, at most so many.
    [[nodiscard]] virtual Task<Result<std::vector<std::string>>> accessors(std::size_t limit) = 0;
};

}  // namespace gh::vault
