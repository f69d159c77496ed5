#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::identity::oauth {

inline constexpr std::size_t client_name_bytes_max = 128;
inline constexpr std::size_t redirect_uris_max = 16;
inline constexpr std::size_t client_scopes_max = 64;
inline constexpr std::size_t client_resources_max = 16;

/// How a client proves itself at the endpoints (RFC 7591 §2, RFC 8705 §2.1).
enum class ClientAuthentication : std::uint8_t { none, secret_basic, secret_post, certificate };

/// "none", "client_secret_basic", "client_secret_post", "tls_client_auth".
[[nodiscard]] std::string_view name_of(ClientAuthentication way);
[[nodiscard]] std::optional<ClientAuthentication> client_authentication_of(std::string_view name);

// Grant types, as requests name them.
inline constexpr std::string_view grant_code = "authorization_code";
inline constexpr std::string_view grant_refresh = "refresh_token";
inline constexpr std::string_view grant_credentials = "client_credentials";
inline constexpr std::string_view grant_password = "password";
inline constexpr std::string_view grant_device = "urn:ietf:params:oauth:grant-type:device_code";
inline constexpr std::string_view grant_exchange =
    "urn:ietf:params:oauth:grant-type:token-exchange";

/// What is said of a client when it is made.
struct NewClient {
    std::string name;  ///< for people
    ClientAuthentication authentication = ClientAuthentication::secret_basic;
    /// With `certificate`: a name that the certificate must have, as access::ClientCertificate lists it.
    std::string certificate_name;
    std::vector<std::string> redirect_uris;
    std::vector<std::string> grants;
    std::vector<std::string> scopes;     ///< all it may ever ask for
    std::vector<std::string> resources;  ///< what its tokens may be meant for, besides ourselves
    std::vector<std::string> serves;     ///< resources it is itself: it may introspect their tokens
    bool require_dpop = false;
    bool certificate_bound = false;  ///< its tokens are bound to its certificate (RFC 8705 §3)
};

struct Client : NewClient {
    std::string id;
    std::optional<std::string> secret_hash;  ///< octets
    std::optional<SystemTime> disabled_at;
    SystemTime created_at;
    SystemTime updated_at;

    [[nodiscard]] bool is_public() const { return authentication == ClientAuthentication::none; }
    [[nodiscard]] bool has_secret() const {
        return authentication == ClientAuthentication::secret_basic ||
               authentication == ClientAuthentication::secret_post;
    }
    [[nodiscard]] bool may_use(std::string_view grant) const;
};

/// Fills in what follows and refuses what cannot be: a client without scopes or grants could ask for nothing, and a public
/// one proves nothing that a grant in its own name could rest on.
/// @return `invalid_argument` "client.name", "client.redirect_uri", "client.grant", "client.scope", "client.resource",
///         "client.certificate" (a name is wanted with tls_client_auth, and only there)
[[nodiscard]] Result<NewClient> checked(NewClient client);

}  // namespace gh::identity::oauth
