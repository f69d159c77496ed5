#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/authenticator.hpp"
#include "access/principal.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/session.hpp"

namespace gh::access {

/// Whom a kill switch is thrown for: a user, a service, an API key, an agent of ours.
struct Target {
    PrincipalType type = PrincipalType::user;
    std::string name;  ///< of a user in any case; the id of a key or of an agent
    friend bool operator==(const Target&, const Target&) = default;
};

inline constexpr std::size_t target_bytes_max = 200;

/// "user:ada", "service:mail", "api_key:ID", "agent:ID".
/// @return `invalid_argument` "kill.principal"
[[nodiscard]] Result<Target> target_of(std::string_view text);
[[nodiscard]] std::string text_of(const Target& target);
/// What its inbox is called: the id of an agent, "user:ada" of others, with octets that no address holds percent-encoded.
[[nodiscard]] std::string address_of(const Target& target);
/// `text` with the octets percent-encoded that no address holds, and those of `apart`.
[[nodiscard]] std::string encode_address(std::string_view text, std::string_view apart);

/// A name under which rooms have written down what a principal holds: its own, "delegated:ada" for who acts for ada, and
/// what its keys say they are.
struct Bearer {
    Target name;
    bool shared = false;  ///< others bear it as well, and go on
    bool is_id = false;   ///< of a key: what its inbox is called, and not what it says it is
    friend bool operator==(const Bearer&, const Bearer&) = default;
};

/// A principal, and all that it is called.
struct Whom {
    Target target;
    std::vector<Bearer> names;
};
/// Its own names, and that of who acts for it.
[[nodiscard]] std::vector<Bearer> own_names(const Target& target);
/// text_of() of each, as a list for a statement: JSON.
[[nodiscard]] std::string list_of_holders(const Whom& whom);
/// address_of() of each, likewise. An inbox that others read goes on.
[[nodiscard]] std::string list_of_senders(const Whom& whom);
[[nodiscard]] std::string list_of_inboxes(const Whom& whom);

/// What a credential lets do.
struct Rights {
    std::vector<std::string> roles, scopes;
};

/// Is it that principal who asks, somebody who acts for it or in whose name it acts, a key that answers for it, or a
/// certificate that says its name? What is none of ours (a token of another issuer, a key of the configuration) never is.
[[nodiscard]] bool is_of(const Target& target, const Principal& principal,
                         const ClientCertificate* certificate);

/// How much of one kind a principal has.
struct Holding {
    std::string kind;  ///< "refresh_tokens"
    std::int64_t count = 0;
    friend bool operator==(const Holding&, const Holding&) = default;
};

/// A room that holds something of principals, for who ends all of it at once. From the database's threads; within a
/// transaction, after audit::Log::lock().
class Revocable {
 public:
    virtual ~Revocable() = default;
    /// "certificates": as receipts call it.
    [[nodiscard]] virtual std::string_view plane() const = 0;
    /// Locks that come before all else, where the room wants any.
    [[nodiscard]] virtual Task<Result<void>> lock(storage::Session& /*session*/) {
        co_return Result<void>{};
    }
    /// The principal, as the room writes its name, ended or not. Rooms that keep no list of principals know nobody.
    [[nodiscard]] virtual Task<Result<std::optional<Target>>> find(storage::Session& /*session*/,
                                                                   Target /*target*/) {
        co_return std::nullopt;
    }
    /// What else it is called, by what the room knows of it.
    [[nodiscard]] virtual Task<Result<std::vector<Bearer>>> names(storage::Session& /*session*/,
                                                                  Target /*target*/) {
        co_return std::vector<Bearer>{};
    }
    /// Those of each credential that would end.
    [[nodiscard]] virtual Task<Result<std::vector<Rights>>> rights(storage::Session& /*session*/,
                                                                   Target /*target*/,
                                                                   SystemTime /*now*/) {
        co_return std::vector<Rights>{};
    }
    /// What it has that is good at `now`. Kinds it could not have are left out.
    [[nodiscard]] virtual Task<Result<std::vector<Holding>>> look(storage::Session& session,
                                                                  Whom whom, SystemTime now) = 0;
    /// Ends all of that, or of very much as much as is quickly done, and lets none of it come again. Twice is no error.
    [[nodiscard]] virtual Task<Result<void>> end(storage::Session& session, Whom whom,
                                                 SystemTime now) = 0;
    /// It is committed: what this process remembers. From any thread.
    virtual void ended(const Target& /*target*/, SystemTime /*now*/) {}
};

}  // namespace gh::access
