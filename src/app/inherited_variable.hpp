#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/secret_judge.hpp"
#include "app/settings.hpp"
#include "config/types.hpp"

// What the inherited environment variables do to settings: one function each.

namespace gh::app {

/// A setting being changed by environment variables.
struct Overlay {
    Settings& settings;
    config::Origins& origins;
    config::Problems& problems;
    std::vector<std::string>& warnings;
    SecretJudge& judge;
    std::string_view variable;  ///< the one whose turn it is, as the environment spells it

    /// From now on this variable answers for `path`.
    void decide(std::string_view path) const { origins.decide(path, variable); }
    void refuse(std::string text) const;
    void warn(std::string text) const;
};

/// true and false as environments spell them; nothing, with a problem noted, for anything else.
[[nodiscard]] std::optional<bool> boolean(const Overlay& overlay, std::string_view value);
/// `a, b,,c` without what is empty: an empty key or host must never match anything.
[[nodiscard]] std::vector<std::string> comma_list(const Overlay& overlay, std::string_view value);

/// A whole number as environments spell it; nothing, with a problem noted, for anything else.
[[nodiscard]] std::optional<std::int64_t> whole_number(const Overlay& overlay,
                                                       std::string_view value, std::int64_t least,
                                                       std::int64_t most);

/// Reads a value with the type that the file's key has.
template <class V>
[[nodiscard]] std::optional<V> typed(const Overlay& overlay, const config::Type<V>& type,
                                     const std::string& value) {
    config::Problems problems;
    config::Origins origins;
    config::Reader reader({.file = "environment", .folder = {}}, problems, origins);
    V out{};
    const auto step = reader.enter(overlay.variable);
    if (type.read(config::Node::scalar(value), reader, out)) return out;
    for (const auto& problem : problems.all()) overlay.problems.add(problem);
    return std::nullopt;
}

namespace inherited {

using Apply = void(const Overlay& overlay, std::string_view value);

Apply jwt_secret, jwt_algorithm, api_keys, enable_auth;
Apply https_redirect, enable_hsts, hsts_max_age, hsts_subdomains, hsts_preload, enable_metrics;
Apply allowed_origins, allowed_hosts;
Apply database_url, postgres_host, postgres_port, postgres_database, postgres_user,
    postgres_password;
Apply pool_min, pool_max, pool_timeout;
Apply encryption_key, secure_secrets;
Apply token_minutes, valid_users, admin_password;
Apply pki_server_url, ca_password;
Apply conversation_messages, conversation_messages_of;
/// Of agents of one name: NAME_MAX_CONVERSATION_MESSAGES.
[[nodiscard]] bool is_conversation_limit(std::string_view variable);
Apply log_level, environment_label, release_label, sentry_dsn, jaeger_host, jaeger_port;

}  // namespace inherited
}  // namespace gh::app
