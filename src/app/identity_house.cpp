#include "app/identity_house.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "app/machine.hpp"
#include "base/try.hpp"
#include "crypto/password.hpp"
#include "identity/principal.hpp"
#include "identity/stored_keys.hpp"
#include "identity/token_authenticator.hpp"

namespace gh::app {
namespace {

constexpr std::size_t hashes_waiting_max = 64;

/// What unknown users' passwords are compared with. Kept, for making it takes longer than a start should.
Result<std::string> kept_decoy(crypto::KeyStore& keys, crypto::PasswordScheme scheme) {
    const std::string_view name =
        scheme == crypto::PasswordScheme::bcrypt ? "login-decoy-bcrypt" : "login-decoy-argon2id";
    if (const auto stored = keys.load(name)) {
        std::string text(crypto::text_of(stored->bytes()));
        if (crypto::parse_password_hash(text)) return text;
    } else if (stored.error().kind != ErrorKind::not_found) {
        return std::unexpected(stored.error());
    }
    GH_TRY(auto made, crypto::decoy_hash(scheme));
    GH_TRY_VOID(keys.store(name, crypto::Secret(made)));
    return made;
}

}  // namespace

std::string issuer_of(const Settings& settings) {
    if (!settings.auth.issuer.empty()) return settings.auth.issuer;
    const auto serves = [](const auto& listener) { return listener.serves(net::Service::api); };
    const auto with_tls = std::ranges::find_if(
        settings.listeners, [&](const auto& each) { return serves(each) && each.tls; });
    if (with_tls != settings.listeners.end())
        return fmt::format("https://localhost:{}", with_tls->bind.port);
    const auto plain = std::ranges::find_if(settings.listeners, serves);
    if (plain == settings.listeners.end()) return "https://localhost";
    return fmt::format("http://{}", plain->bind.text());
}

IdentityHouse::IdentityHouse(const Settings& settings, State& state, storage::Fallback& fallback,
                             audit::Log& audit, crypto::KeyStore& keys,
                             telemetry::Registry& registry,
                             std::shared_ptr<const identity::SigningKeys> signing,
                             identity::Decoys decoys)
    : key_store_(keys),
      algorithm_(settings.auth.signing_algorithm),
      issuer_(issuer_of(settings), std::move(signing)),
      revoker_(fallback, revocations_),
      keys_(state.keys),
      hashing_({.threads = std::max<std::size_t>(1, cores() / 2),
                .queue_max = hashes_waiting_max,
                .name = "hashing"}),
      sign_in_({.users = state.users,
                .pool = hashing_,
                .throttle = throttle_,
                .scheme = settings.auth.password_hash,
                .decoys = std::move(decoys),
                .counters = identity::SignInCounters(registry)}),
      room_({.users = state.users,
             .keys = state.keys,
             .roles = state.roles,
             .role_source = roles_,
             .revocations = revocations_,
             .revoker = revoker_,
             .sign_in = sign_in_,
             .issuer = issuer_,
             .audit = audit,
             .auth_enabled = settings.auth.enabled,
             .token_lifetime = settings.auth.access_token_ttl,
             .session_lifetime = settings.auth.login_token_ttl}),
      oauth_({.database = *state.database,
              .users = state.users,
              .sign_in = sign_in_,
              .throttle = throttle_,
              .issuer = issuer_,
              .revocations = revocations_,
              .roles = roles_,
              .hasher = state.hasher,
              .replays = dpop_replays_,
              .audit = audit,
              .access_token_lifetime = settings.auth.access_token_ttl,
              .password_grant = settings.auth.password_grant}) {
    count_users(registry);
}

void IdentityHouse::count_users(telemetry::Registry& registry) {
    auto& made = registry.counter({.name = "gatehouse_tokens_issued_total",
                                   .help = "Access tokens made, by whom they are for.",
                                   .labels = {"principal_type"}});
    issuer_.on_issued(
        [this, &of_users = made.with({"user"}), &of_services = made.with({"service"}),
         &of_agents = made.with({"agent"}), &of_delegates = made.with({"delegated"})](
            const identity::TokenGrant& grant, const identity::IssuedToken& token, SystemTime now) {
            auto principal = identity::principal_of(grant, token, issuer_.name(), now);
            const bool acts = principal->type == access::PrincipalType::delegated;
            const bool serves = principal->type == access::PrincipalType::service;
            const bool is_agent = principal->type == access::PrincipalType::agent;
            (acts ? of_delegates : serves ? of_services : is_agent ? of_agents : of_users).add();
            active_users_.saw(principal);
        });
    registry.collect({.name = "active_users",
                      .help = "Users with a good token that this node has made or recognised.",
                      .labels = {}},
                     telemetry::MetricType::gauge, [this](telemetry::Samples& samples) {
                         const auto now = std::chrono::system_clock::now();
                         samples.add(static_cast<double>(active_users_.count(revocations_, now)));
                     });
}

Result<std::unique_ptr<IdentityHouse>> IdentityHouse::open(
    const Settings& settings, State& state, storage::Fallback& fallback, audit::Log& audit,
    crypto::KeyStore& keys, telemetry::Registry& registry, SystemTime now) {
    GH_TRY(auto signing,
           identity::SigningKeys::keep(keys, settings.auth.signing_algorithm, {}, now));
    identity::Decoys decoys;
    GH_TRY(decoys.argon2id, kept_decoy(keys, crypto::PasswordScheme::argon2id));
    GH_TRY(decoys.bcrypt, kept_decoy(keys, crypto::PasswordScheme::bcrypt));
    auto house = std::make_unique<IdentityHouse>(settings, state, fallback, audit, keys, registry,
                                                 std::move(signing), std::move(decoys));
    GH_TRY_VOID(house->revoker_.recall(now));
    return house;
}

Result<bool> IdentityHouse::keep_signing_keys(SystemTime now) {
    GH_TRY(auto kept, identity::SigningKeys::keep(key_store_, algorithm_, {}, now));
    if (kept->jwks() == issuer_.keys()->jwks() && kept->size() == issuer_.keys()->size())
        return false;
    issuer_.set_keys(std::move(kept));
    return true;
}

std::unique_ptr<access::Authenticator> IdentityHouse::authenticator(
    const identity::TrustSource& trust, net::Loop& loop) {
    auto look_up = [&keys = keys_](std::string_view text, SystemTime now) {
        return keys.recognise(text, now);
    };
    auto clock = [&loop] { return loop.system_now(); };
    auto keys =
        std::make_unique<identity::StoredKeys>(std::move(look_up), std::move(clock), key_uses_);
    return std::make_unique<identity::TokenAuthenticator>(trust, &revocations_, std::move(keys),
                                                          &dpop_replays_, &active_users_);
}

std::vector<api::Route> IdentityHouse::routes() {
    auto all = identity::login_routes(room_);
    std::ranges::move(identity::user_routes(room_), std::back_inserter(all));
    std::ranges::move(identity::role_routes(room_), std::back_inserter(all));
    std::ranges::move(identity::key_routes(room_), std::back_inserter(all));
    std::ranges::move(identity::oauth::routes(oauth_), std::back_inserter(all));
    return all;
}

}  // namespace gh::app
