#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/authenticator.hpp"
#include "access/permission.hpp"
#include "access/principal.hpp"

namespace gh::access {

/// `unauthenticated` is answered with 401, `denied` with 403.
enum class Outcome : std::uint8_t { allowed, unauthenticated, denied };

struct Decision {
    Outcome outcome = Outcome::denied;
    std::string_view reason;  ///< for the log: "access.role", "access.scope", ...; empty when
                              ///< allowed; static storage
};

/// What a route wants of whoever asks. Made by one of the named functions; one made by default lets
/// nobody in.
class Access {
 public:
    enum class Kind : std::uint8_t {
        nobody,
        anyone,
        authenticated,
        role,
        scopes,
        permission,
        client_certificate,
        agent,
        agent_or_permission,
    };

    Access() = default;
    [[nodiscard]] static Access anyone();         ///< `access: public`
    [[nodiscard]] static Access authenticated();  ///< any principal but the anonymous one
    /// A built-in name admits that role and those above it; any other name must be among the
    /// principal's roles as written. An empty name admits nobody.
    [[nodiscard]] static Access role(std::string name);
    /// Every one of them, compared as written. An empty list admits nobody.
    [[nodiscard]] static Access scopes(std::vector<std::string> names);
    /// Whoever holds it: see permission.hpp.
    [[nodiscard]] static Access permission(Permission permission);
    [[nodiscard]] static Access client_certificate();
    [[nodiscard]] static Access
    agent();  ///< agents themselves; not users, not those whom agents act for

    /// Agents themselves, who are told what they may see, and whoever holds it.
    [[nodiscard]] static Access agent_or(Permission permission);

    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] std::string_view role_name() const { return role_name_; }
    [[nodiscard]] std::span<const std::string> scope_names() const { return scopes_; }
    /// With Kind::permission and Kind::agent_or_permission.
    [[nodiscard]] Permission wanted_permission() const { return permission_; }

 private:
    friend Decision authorize(const Access& access, const Principal& principal,
                              const ClientCertificate* certificate, const CustomRoles& custom);
    explicit Access(Kind kind) : kind_(kind) {}

    Kind kind_ = Kind::nobody;
    Permission permission_{};
    Role built_in_ = Role::none;  ///< of role_name_; none for a custom name
    std::string role_name_;
    std::vector<std::string> scopes_;
};

/// @param certificate  the one that this connection's handshake verified, or nullptr. It satisfies
///                     `client_certificate` also where another credential names the principal.
/// @param custom       what roles that are not built in hold
/// @return reasons: "access.nobody", "access.anonymous", "access.role", "access.scope", "access.permission",
///         "access.certificate", "access.agent"
[[nodiscard]] Decision authorize(const Access& access, const Principal& principal,
                                 const ClientCertificate* certificate = nullptr,
                                 const CustomRoles& custom = {});

/// The highest built-in role among `names`: what Principal::role holds.
[[nodiscard]] Role highest_role(std::span<const std::string> names);

}  // namespace gh::access
