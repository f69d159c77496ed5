#include "access/principal.hpp"

#include "access/authenticator.hpp"

namespace gh::access {

std::string_view name_of(PrincipalType type) {
    switch (type) {
        case PrincipalType::anonymous: return "anonymous";
        case PrincipalType::user: return "user";
        case PrincipalType::api_key: return "api_key";
        case PrincipalType::agent: return "agent";
        case PrincipalType::service: return "service";
        case PrincipalType::certificate: return "certificate";
        case PrincipalType::delegated: return "delegated";
    }
    return "anonymous";
}

Role role_of(std::string_view name) {
    if (name == "guest") return Role::guest;
    if (name == "user") return Role::user;
    if (name == "manager") return Role::manager;
    if (name == "admin") return Role::admin;
    return Role::none;
}

std::string_view text_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::missing: return "Missing or invalid authentication credentials";
        case Refusal::token: return "Invalid authentication token";
        case Refusal::login: return "Invalid username or password";
    }
    return "Missing or invalid authentication credentials";
}

std::string_view text_of(Challenge challenge) {
    const auto dpop = [](std::string_view error) {
        return "DPoP error=\"" + std::string(error) + "\", algs=\"" + std::string(dpop_algorithms) +
               '"';
    };
    static const auto token = dpop("invalid_token"), proof = dpop("invalid_dpop_proof");
    switch (challenge) {
        case Challenge::bearer: break;
        case Challenge::dpop_token: return token;
        case Challenge::dpop_proof: return proof;
    }
    return "Bearer";
}

}  // namespace gh::access
