#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "app/inherited_variable.hpp"
#include "config/text.hpp"
#include "identity/user.hpp"

namespace gh::app::inherited {
namespace {

constexpr std::string_view legacy_issuer = "legacy";

void judge(const Overlay& overlay, std::string_view secret, std::size_t bytes_min) {
    overlay.judge.judge(secret, bytes_min, {"environment", 0, std::string(overlay.variable), {}});
}

/// The issuer that the inherited secret belongs to: the one that already refers to it, or the one called "legacy".
identity::TrustedIssuerConfig* find_legacy(const Overlay& overlay) {
    auto& issuers = overlay.settings.auth.trusted_issuers;
    for (std::size_t i = 0; i < issuers.size(); ++i) {
        const auto* written =
            overlay.origins.find(fmt::format("auth.trusted_issuers[{}].secret", i));
        if (written != nullptr &&
            (*written == "${env:JWT_SECRET_KEY}" || *written == "${env:JWT_SECRET}")) {
            return &issuers[i];
        }
    }
    const auto found =
        std::ranges::find(issuers, legacy_issuer, &identity::TrustedIssuerConfig::issuer);
    return found == issuers.end() ? nullptr : &*found;
}

}  // namespace

void jwt_secret(const Overlay& overlay, std::string_view value) {
    judge(overlay, value, identity::secret_bytes_min(codec::JoseAlgorithm::hs256));
    auto* issuer = find_legacy(overlay);
    if (issuer == nullptr) {
        auto& made = overlay.settings.auth.trusted_issuers.emplace_back();
        made.issuer = legacy_issuer;
        made.issuer_required = false;  // such backends mint tokens without iss
        made.any_audience = true;
        made.algorithm = codec::JoseAlgorithm::hs256;
        overlay.warn(
            "tokens signed with it are believed, whatever their audience (issuer \"legacy\")");
        issuer = &made;
    } else if (issuer->secret.empty()) {
        overlay.refuse(
            "the issuer \"legacy\" of the file has another kind of key, allowed: one of the two");
        return;
    }
    issuer->secret = config::Secret(std::string(value));
    overlay.decide(fmt::format("auth.trusted_issuers[{}].secret",
                               issuer - overlay.settings.auth.trusted_issuers.data()));
}

void jwt_algorithm(const Overlay& overlay, std::string_view value) {
    const auto algorithm = codec::algorithm_of(value);
    auto* issuer = find_legacy(overlay);
    if (!algorithm || !codec::is_symmetric(*algorithm)) {
        overlay.refuse(
            fmt::format("{} is no algorithm for a shared secret, allowed: HS256, HS384, HS512",
                        config::quote(value)));
    } else if (issuer == nullptr || issuer->secret.empty()) {
        overlay.warn("has no effect: JWT_SECRET_KEY is not set");
    } else if (issuer->secret.view().size() < identity::secret_bytes_min(*algorithm)) {
        overlay.refuse(fmt::format("wants a secret of at least {} bytes (RFC 7518 §3.2)",
                                   identity::secret_bytes_min(*algorithm)));
    } else {
        issuer->algorithm = *algorithm;
    }
}

void api_keys(const Overlay& overlay, std::string_view value) {
    auto& keys = overlay.settings.first_users.api_keys;
    keys.clear();
    for (auto& key : comma_list(overlay, value)) {
        judge(overlay, key, identity::api_key_bytes_min);
        if (key.starts_with("gh_")) {
            overlay.refuse("holds a key that begins with gh_, as only those made here do");
            return;
        }
        keys.emplace_back(std::move(key));
    }
    overlay.warn(
        "keys that are not known yet are taken over into the database with the role user; take it "
        "out afterwards: gatehouse key list and key revoke look after them from then on");
}

void token_minutes(const Overlay& overlay, std::string_view value) {
    const auto minutes = whole_number(overlay, value, 1, 24 * 60);
    if (minutes) overlay.settings.auth.access_token_ttl = std::chrono::minutes(*minutes);
    overlay.decide("auth.access_token_ttl");
}

void valid_users(const Overlay& overlay, std::string_view value) {
    auto& users = overlay.settings.first_users.imported;
    users.clear();
    for (const auto& pair : comma_list(overlay, value)) {
        const auto colon = pair.find(':');
        const auto name = std::string(config::trim(std::string_view(pair).substr(0, colon)));
        if (colon == std::string::npos || colon + 1 == pair.size()) {
            overlay.refuse("has an entry that is no name:password, the passwords without commas");
            return;
        }
        if (!identity::valid_user_name(name) || identity::of_the_house(name)) {
            overlay.refuse(fmt::format("{} cannot be the name of a user", config::quote(name)));
            return;
        }
        if (std::ranges::any_of(users, [&](const auto& other) {
                return identity::folded(other.name) == identity::folded(name);
            })) {
            overlay.refuse(fmt::format("names {} twice", config::quote(name)));
            return;
        }
        judge(overlay, std::string_view(pair).substr(colon + 1),
              identity::FirstUsersConfig::password_bytes_min);
        users.push_back({name, config::Secret(pair.substr(colon + 1))});
    }
    overlay.warn(
        "is only read while there are no users; take it out, it holds passwords in the clear");
}

void admin_password(const Overlay& overlay, std::string_view value) {
    judge(overlay, value, identity::FirstUsersConfig::password_bytes_min);
    overlay.settings.first_users.admin_password = config::Secret(std::string(value));
}

void enable_auth(const Overlay& overlay, std::string_view value) {
    const auto on = boolean(overlay, value);
    if (!on) return;
    overlay.settings.auth.enabled = *on;
    overlay.decide("auth.enabled");
}

void encryption_key(const Overlay& overlay, std::string_view value) {
    overlay.decide("vault.key");
    overlay.settings.vault.key = config::Secret(std::string(value));
}

void secure_secrets(const Overlay& overlay, std::string_view value) {
    if (const auto wanted = boolean(overlay, value)) {
        overlay.decide("vault.external_key_required");
        auto& settings = overlay.settings.vault;
        settings.external_key_required = *wanted;
        overlay.decide("vault.variables_only");
        settings.variables_only = *wanted;
        if (!*wanted || !settings.variables.empty()) return;
        overlay.decide("vault.variables");
        settings.variables = vault::env_folder;
    }
}

}  // namespace gh::app::inherited
