#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/oauth/grant.hpp"
#include "identity/oauth/secret.hpp"
#include "identity/revocations.hpp"
#include "identity/user_repository.hpp"
#include "storage/session.hpp"

// Grants, and what stands for them: codes and refresh tokens. All of it works inside a transaction of the caller's. A
// refusal is part of what is returned, not an error, since the transaction has to be kept: it may have ended a grant.

namespace gh::identity::oauth {

/// What ending a grant has voided; nothing where it had ended before.
using Ended = std::optional<std::vector<Revocation>>;

/// A code, as the token endpoint gets it.
struct CodeClaim {
    std::string text;
    std::string client_id;
    std::string redirect_uri;  ///< empty: not sent
    std::string verifier;
};

struct RefreshClaim {
    std::string text;
    std::string client_id;
};

/// What a code or a refresh token turned out to stand for.
struct Claimed {
    std::string_view refusal;    ///< "oauth.code_replayed", ...; empty: it is good, and now used
    std::optional<Grant> grant;  ///< also of what was refused, where it is known
    Portion portion;
    /// Set where this claim has ended the grant: the access tokens that ended with it, for this process to know at once.
    Ended ended;
};

struct NewCode {
    MadeSecret secret;
    std::string redirect_uri;
    std::string challenge;
};

/// Keeps a grant, without any token yet. Of those that the user gave the client before, the oldest beyond `grants_max` end.
/// @return the access tokens that ended with them
[[nodiscard]] Task<Result<std::vector<Revocation>>> add_grant(storage::Session& session,
                                                              Grant grant, SystemTime now);
[[nodiscard]] Task<Result<void>> add_code(storage::Session& session, std::string grant_id,
                                          NewCode code, SystemTime now);

/// Uses a code (RFC 6749 §4.1.3). One that comes a second time, from another client, for another redirect URI or without
/// its verifier has been stolen: its grant ends, with all that came of it.
/// @param wish  what its token shall be for; where that is refused, the code is used all the same
[[nodiscard]] Task<Result<Claimed>> claim_code(storage::Session& session, CodeClaim claim,
                                               Wish wish, const ApiKeyHasher& hasher,
                                               SystemTime now);

/// Uses a refresh token. One that comes a second time ends its grant, but for `refresh_grace`; so does one that comes with
/// the proof of another key than its own.
/// @param next  takes its place; where the wish is refused, the old one stays good
[[nodiscard]] Task<Result<Claimed>> claim_refresh(storage::Session& session, RefreshClaim claim,
                                                  Wish wish, MadeSecret next,
                                                  const ApiKeyHasher& hasher, SystemTime now);

/// A grant has to stay as long as there is something that ends with it.
[[nodiscard]] Task<Result<void>> prolong_grant(storage::Session& session, std::string grant_id,
                                               SystemTime expires);
/// From now on its refresh tokens are good for whoever proves the same.
[[nodiscard]] Task<Result<void>> bind_grant(storage::Session& session, std::string grant_id,
                                            Binding binding);
/// The first refresh token of a grant.
[[nodiscard]] Task<Result<void>> add_refresh(storage::Session& session, Grant grant,
                                             MadeSecret secret, SystemTime now);
/// So that the token ends with its grant.
[[nodiscard]] Task<Result<void>> add_access_token(storage::Session& session, std::string grant_id,
                                                  std::string token_id, SystemTime expires);

/// The grant that a refresh token stands for, good or not; nothing for what is none.
struct KnownRefresh {
    Grant grant;
    bool active = false;
    SystemTime expires_at;
};
[[nodiscard]] Task<Result<std::optional<KnownRefresh>>> find_refresh(storage::Session& session,
                                                                     std::string text,
                                                                     const ApiKeyHasher& hasher,
                                                                     SystemTime now);

/// Ends a grant and what came of it. Twice is no error.
[[nodiscard]] Task<Result<Ended>> end_grant(storage::Session& session, std::string grant_id,
                                            SystemTime now);

/// Removes what has expired; how many rows.
[[nodiscard]] Task<Result<std::uint64_t>> clean_grants(storage::Session& session, SystemTime now);

}  // namespace gh::identity::oauth
