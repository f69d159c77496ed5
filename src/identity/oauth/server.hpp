#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/route.hpp"
#include "audit/log.hpp"
#include "identity/dpop_replays.hpp"
#include "identity/login_throttle.hpp"
#include "identity/oauth/browser_session.hpp"
#include "identity/oauth/client_repository.hpp"
#include "identity/revocations.hpp"
#include "identity/role_repository.hpp"
#include "identity/sign_in.hpp"
#include "identity/token_issuer.hpp"
#include "identity/user_repository.hpp"
#include "storage/database.hpp"

namespace gh::identity::oauth {

/// What the authorization server is made of. All of it outlives the server.
struct Parts {
    storage::Database& database;
    UserRepository& users;
    SignIn& sign_in;
    LoginThrottle& throttle;  ///< counts wrong user codes; SignIn has it, too
    TokenIssuer& issuer;
    RevocationSource& revocations;
    RoleSource& roles;
    std::shared_ptr<const ApiKeyHasher> hasher;
    DpopReplays& replays;
    audit::Log& audit;
    seconds access_token_lifetime{1'800};
    bool password_grant = false;
    std::function<SystemTime()> now = {};  ///< unset: the loop's clock
};

/// An OAuth 2.1 authorization server and OpenID provider. Safe to share among workers.
class Server {
 public:
    explicit Server(Parts parts);

    [[nodiscard]] const Parts& parts() const { return parts_; }
    [[nodiscard]] ClientRepository& clients() { return clients_; }
    [[nodiscard]] BrowserSessions& sessions() { return sessions_; }
    [[nodiscard]] const std::string& issuer() const { return parts_.issuer.name(); }
    /// "https://as.example:8443" + path.
    [[nodiscard]] std::string url_of(std::string_view path) const;
    [[nodiscard]] bool is_https() const { return issuer().starts_with("https:"); }
    [[nodiscard]] SystemTime now() const;
    /// ID tokens are checked by others, which takes a public key.
    [[nodiscard]] bool has_id_tokens() const;
    /// A code of ours for this text: what pages carry and have to bring back.
    [[nodiscard]] std::string seal(std::string_view text) const;

    /// Removes rows that have expired: every few minutes, from one place. How many.
    [[nodiscard]] Task<Result<std::uint64_t>> clean();

 private:
    Parts parts_;
    ClientRepository clients_;
    BrowserSessions sessions_;
};

/// All endpoints.
[[nodiscard]] std::vector<api::Route> routes(Server& server);

}  // namespace gh::identity::oauth
