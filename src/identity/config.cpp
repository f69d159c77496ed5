#include "identity/config.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/object.hpp"
#include "config/text.hpp"
#include "config/types.hpp"
#include "config/unit.hpp"
#include "identity/jwks_uri.hpp"

namespace gh::identity {
namespace {

using config::Node;
using config::Object;
using config::Reader;
using config::Type;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t names_max = 100;

Type<codec::JoseAlgorithm> algorithm_type() {
    std::vector<std::pair<std::string, codec::JoseAlgorithm>> words;
    for (const auto name : codec::algorithm_names())
        words.emplace_back(name, *codec::algorithm_of(name));
    return config::choice(std::move(words));
}

/// What `audience` says: `any`, one name or several.
struct Audience {
    bool any = false;
    std::vector<std::string> names;
};

Type<Audience> audience_type() {
    config::Alternatives<Audience> ways;
    ways.scalar = config::mapped<std::string, Audience>(
        config::text({.bytes_max = 512}),
        [](const std::string& word) -> Result<Audience> {
            return word == "any" ? Audience{.any = true, .names = {}}
                                 : Audience{.any = false, .names = {word}};
        },
        [](const Audience& audience) {
            return audience.any ? std::string("any") : audience.names.front();
        });
    ways.sequence = config::mapped<std::vector<std::string>, Audience>(
        config::list_of(config::text({.bytes_max = 512}), {.items_min = 1, .items_max = names_max}),
        [](const std::vector<std::string>& names) -> Result<Audience> {
            return Audience{.any = false, .names = names};
        },
        [](const Audience& audience) { return audience.names; });
    ways.shown_as = [](const Audience& audience) {
        const bool list = audience.names.size() > 1 ||
                          (audience.names.size() == 1 && audience.names.front() == "any");
        return list ? Node::Kind::sequence : Node::Kind::scalar;
    };
    return config::either(std::move(ways));
}

Type<std::string> jwks_uri_type() {
    const auto parse = [](std::string_view text) -> Result<std::string> {
        if (auto uri = parse_jwks_uri(text); !uri) return std::unexpected(std::move(uri).error());
        return std::string(text);
    };
    return config::parsed_text<std::string>(parse, [](const std::string& uri) { return uri; });
}

bool check_issuer(const Node& node, Reader& reader, const TrustedIssuerConfig& issuer) {
    const auto refuse = [&](std::string what) {
        reader.refuse(node, std::move(what));
        return false;
    };
    const int keys = !issuer.jwks_uri.empty() + issuer.jwks_file.has_value() +
                     !issuer.secret.empty() + issuer.public_key_file.has_value();
    if (keys != 1)
        return refuse("wants exactly one of jwks_uri, jwks_file, secret, public_key_file");
    const bool one_key = !issuer.secret.empty() || issuer.public_key_file;
    if (one_key && !issuer.algorithm)
        return refuse("wants algorithm: a key is good for one algorithm only");
    if (!issuer.secret.empty() && !codec::is_symmetric(*issuer.algorithm)) {
        return refuse("has a secret with a public-key algorithm, allowed: HS256, HS384, HS512");
    }
    if (issuer.secret.empty() && issuer.algorithm && codec::is_symmetric(*issuer.algorithm)) {
        return refuse("has public keys with an HMAC algorithm, which anybody could then sign with");
    }
    if (issuer.ca_file && issuer.jwks_uri.empty()) return refuse("has ca_file without jwks_uri");
    return true;
}

/// What is believed of a token once its signature holds.
void add_claims(Object<TrustedIssuerConfig>& table) {
    const auto claim = config::text({.bytes_max = 256});
    table.part<Audience>(
        "audience",
        [](TrustedIssuerConfig& issuer, Audience audience) {
            issuer.any_audience = audience.any;
            issuer.audience = std::move(audience.names);
        },
        [](const TrustedIssuerConfig& issuer) {
            return Audience{issuer.any_audience, issuer.audience};
        },
        audience_type(),
        "Who we are to the issuer: one name or several, one of which must be in aud. any: not "
        "checked.");
    table.key("subject_claim", &TrustedIssuerConfig::subject_claim, claim,
              "Which claim names the subject.");
    table.key("roles_claim", &TrustedIssuerConfig::roles_claim, claim,
              "Which claim lists the roles.");
    table.key("scopes_claim", &TrustedIssuerConfig::scopes_claim, claim,
              "Which claim holds the scopes.");
    table.key("leeway", &TrustedIssuerConfig::leeway,
              config::whole_seconds(seconds(0), seconds(300)),
              "How far clocks may disagree about exp and nbf.");
    table.key("refresh", &TrustedIssuerConfig::refresh,
              config::duration(milliseconds(10'000), hours(24)),
              "How often a key set is fetched again when no unknown key asks for it.");
}

Type<TrustedIssuerConfig> issuer_type() {
    Object<TrustedIssuerConfig> table;
    table.required("issuer", &TrustedIssuerConfig::issuer, config::text({.bytes_max = 512}),
                   "Compared with the claim iss, byte by byte.");
    table.key("issuer_required", &TrustedIssuerConfig::issuer_required, config::boolean(),
              "false: a token without iss is believed too; one with another iss never.");
    table.key(
        "jwks_uri", &TrustedIssuerConfig::jwks_uri, jwks_uri_type(),
        "Where the issuer publishes its keys. Fetched apart from requests, over verified https.");
    table.key("jwks_file", &TrustedIssuerConfig::jwks_file, config::maybe(config::file_path()),
              "The same in a file (RFC 7517 §5).");
    table.key("ca_file", &TrustedIssuerConfig::ca_file, config::maybe(config::file_path()),
              "PEM: who vouches for jwks_uri. Left out: the system's authorities.");
    table.key("secret", &TrustedIssuerConfig::secret, config::secret(),
              "Shared with the issuer, by reference: ${env:NAME} or ${file:PATH}. With HS256, "
              "HS384 or HS512.");
    table.key("public_key_file", &TrustedIssuerConfig::public_key_file,
              config::maybe(config::file_path()), "PEM: the issuer's public key.");
    table.key("algorithm", &TrustedIssuerConfig::algorithm, config::maybe(algorithm_type()),
              "The one algorithm of the key. With a key set: the only one believed; left out, each "
              "key says its own.");
    add_claims(table);
    table.check(check_issuer);
    table.check([](const Node& node, Reader& reader, const TrustedIssuerConfig& issuer) {
        if (issuer.any_audience || !issuer.audience.empty()) return true;
        reader.refuse(node, "audience is missing, wanted: our name in aud, or any, spelled out");
        return false;
    });
    return table.type();
}

Type<ApiKeyConfig> api_key_type() {
    const auto names = config::list_of(config::text({.bytes_max = 256}), {.items_max = names_max});
    const auto digest = [](std::string_view written) -> Result<std::string> {
        const auto lower = config::lower(written);
        if (lower.size() == 64 && lower.find_first_not_of("0123456789abcdef") == std::string::npos)
            return lower;
        return fail(ErrorKind::invalid_argument, "config.sha256", "is not 64 hexadecimal digits");
    };
    Object<ApiKeyConfig> table;
    table.required("id", &ApiKeyConfig::id, config::name(), "What the log calls it.");
    table.key("value", &ApiKeyConfig::value, config::secret(),
              "The key, by reference: ${env:NAME} or ${file:PATH}.");
    table.key("sha256", &ApiKeyConfig::sha256,
              config::parsed_text<std::string>(digest, [](const std::string& hex) { return hex; }),
              "Instead of the key its SHA-256, hexadecimal: printf %s KEY | sha256sum.");
    table.key("subject", &ApiKeyConfig::subject, config::text({.bytes_max = 256}),
              "Whose it is. Left out: the id.");
    table.key("roles", &ApiKeyConfig::roles, names, "What its owner is.");
    table.key("scopes", &ApiKeyConfig::scopes, names, "What it is good for.");
    table.key("expires", &ApiKeyConfig::expires,
              config::maybe(config::parsed_text<SystemTime>(config::parse_time, config::time_text)),
              "When it ends, RFC 3339 in UTC: 2027-01-31T00:00:00Z. Left out: never.");
    table.check([](const Node& node, Reader& reader, const ApiKeyConfig& key) {
        if (key.value.empty() == key.sha256.empty()) {
            reader.refuse(node, "wants exactly one of value and sha256");
            return false;
        }
        return true;
    });
    return config::mapped<ApiKeyConfig, ApiKeyConfig>(
        table.type(),
        [](const ApiKeyConfig& read) -> Result<ApiKeyConfig> {
            ApiKeyConfig out = read;
            if (out.subject.empty()) out.subject = out.id;
            return out;
        },
        [](const ApiKeyConfig& key) { return key; });
}

/// RFC 8414 §2: a URL without query and fragment.
Type<std::string> own_issuer_type() {
    const auto parse = [](std::string_view text) -> Result<std::string> {
        if (!parse_jwks_uri(text) || text.contains('?') || text.ends_with('/')) {
            return fail(ErrorKind::invalid_argument, "config.issuer",
                        "is no issuer, allowed: https://HOST[:PORT][/PATH] without a slash at its "
                        "end, http:// on loopback only");
        }
        return std::string(text);
    };
    return config::parsed_text<std::string>(parse,
                                            [](const std::string& issuer) { return issuer; });
}

/// How tokens and passwords of our own are made.
void add_own(Object<AuthConfig>& table) {
    using codec::JoseAlgorithm;
    table.part<std::optional<std::string>>(
        "issuer",
        [](AuthConfig& auth, std::optional<std::string> issuer) {
            auth.issuer = std::move(issuer).value_or("");
        },
        [](const AuthConfig& auth) {
            return auth.issuer.empty() ? std::nullopt : std::optional(auth.issuer);
        },
        config::maybe(own_issuer_type()),
        "Who signs our own tokens: the URL that clients reach us at. Left out: the first listener "
        "that serves api, on localhost.");
    table.key("access_token_ttl", &AuthConfig::access_token_ttl,
              config::whole_seconds(seconds(10), hours(24)), "How long an access token is good.");
    table.key("login_token_ttl", &AuthConfig::login_token_ttl,
              config::whole_seconds(seconds(10), hours(24)),
              "How long a token of /api/v1/auth/login is good.");
    table.key("signing_algorithm", &AuthConfig::signing_algorithm,
              config::choice<JoseAlgorithm>({{"ES256", JoseAlgorithm::es256},
                                             {"EdDSA", JoseAlgorithm::eddsa},
                                             {"RS256", JoseAlgorithm::rs256},
                                             {"HS256", JoseAlgorithm::hs256}}),
              "Of our own tokens. HS256 has no public key: nobody else can check them.");
    table.key(
        "password_hash", &AuthConfig::password_hash,
        config::choice<crypto::PasswordScheme>({{"argon2id", crypto::PasswordScheme::argon2id},
                                                {"bcrypt", crypto::PasswordScheme::bcrypt}}),
        "Of new passwords; bcrypt with cost 12. Others are replaced when their user signs in.");
    table.key(
        "first_users", &AuthConfig::first_users,
        config::list_of(config::choice<std::string>({{"user", "user"}, {"guest", "guest"}}),
                        {.items_max = 2}),
        "Made at the first start besides admin, each with the role of that name and a password "
        "for one use.");
    table.key(
        "password_grant", &AuthConfig::password_grant, config::boolean(),
        "Take user names and passwords at /oauth/token, for clients that know nothing better.");
}

}  // namespace

std::size_t secret_bytes_min(codec::JoseAlgorithm algorithm) {
    using codec::JoseAlgorithm;
    return algorithm == JoseAlgorithm::hs512 ? 64 : algorithm == JoseAlgorithm::hs384 ? 48 : 32;
}

Type<AuthConfig> auth_type() {
    constexpr std::size_t keys_max = 10'000;
    Object<AuthConfig> table;
    table.key("enabled", &AuthConfig::enabled, config::boolean(),
              "false lets everybody in; only in the development profile, and only with every "
              "listener on loopback.");
    add_own(table);
    table.key("trusted_issuers", &AuthConfig::trusted_issuers,
              config::list_of(issuer_type(), {.items_max = names_max}),
              "Whose bearer tokens (JWT) are believed.");
    table.key("api_keys", &AuthConfig::api_keys,
              config::list_of(api_key_type(), {.items_max = keys_max}),
              "Keys for the header X-API-Key.");
    return table.type();
}

}  // namespace gh::identity
