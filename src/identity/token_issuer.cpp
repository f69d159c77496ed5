#include "identity/token_issuer.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/id.hpp"
#include "codec/json.hpp"

namespace gh::identity {
namespace {

constexpr std::string_view access_token_type = "at+jwt";  // RFC 9068 §2.1

void append_member(std::string& out, std::string_view name, std::string_view text) {
    out += fmt::format(R"(,"{}":)", name);
    codec::json::append_quoted(out, text);
}

void append_names(std::string& out, std::string_view name, const std::vector<std::string>& all) {
    out += fmt::format(R"(,"{}":[)", name);
    for (const auto& each : all) {
        if (out.back() != '[') out += ',';
        codec::json::append_quoted(out, each);
    }
    out += ']';
}

std::int64_t numeric_date(SystemTime time) {
    return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

}  // namespace

TokenIssuer::TokenIssuer(std::string issuer, std::shared_ptr<const SigningKeys> keys)
    : issuer_(std::move(issuer)), keys_(std::move(keys)) {}

IssuedToken TokenIssuer::issue(const TokenGrant& grant, SystemTime now) const {
    const auto id = grant.id.empty() ? std::string(view(uuid_v7(now))) : grant.id;
    const auto expires = std::chrono::floor<seconds>(now) + grant.lifetime;
    std::string claims = fmt::format(R"({{"iat":{},"exp":{},"jti":"{}")", numeric_date(now),
                                     numeric_date(expires), id);
    append_member(claims, "iss", issuer_);
    append_member(claims, "sub", grant.subject);
    append_names(claims, "aud", grant.audience.empty() ? std::vector{issuer_} : grant.audience);
    append_names(claims, "roles", grant.roles);
    std::string scope;
    for (const auto& each : grant.scopes) scope += (scope.empty() ? "" : " ") + each;
    if (!scope.empty()) append_member(claims, "scope", scope);
    if (!grant.client_id.empty()) append_member(claims, "client_id", grant.client_id);
    if (grant.service) append_member(claims, "principal_type", service_principal);
    if (grant.agent) append_member(claims, "principal_type", agent_principal);
    if (!grant.actor.empty()) claims += R"(,"act":)" + grant.actor;
    if (!grant.origins.empty()) append_names(claims, origins_claim, grant.origins);
    if (!grant.confirmation.empty()) claims += R"(,"cnf":)" + grant.confirmation;
    claims += '}';
    IssuedToken made{keys()->current(now).sign(claims, access_token_type), id, expires};
    if (on_issued_) on_issued_(grant, made, now);
    return made;
}

void TokenIssuer::set_keys(std::shared_ptr<const SigningKeys> keys) {
    const std::scoped_lock lock(mutex_);
    keys_ = std::move(keys);
}

std::shared_ptr<const SigningKeys> TokenIssuer::keys() const {
    const std::scoped_lock lock(mutex_);
    return keys_;
}

TrustedIssuer TokenIssuer::trusted() const {
    TrustedIssuer issuer;
    issuer.policy.issuer = issuer_;
    issuer.policy.audience = {issuer_};
    issuer.keys = keys()->verification_keys();
    return issuer;
}

}  // namespace gh::identity
