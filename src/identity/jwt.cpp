#include "identity/jwt.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/digest.hpp"

namespace gh::identity {
namespace {

using codec::json::Node;

std::unexpected<Error> refuse(std::string_view reason, std::string detail = {}) {
    return fail(ErrorKind::unauthenticated, reason, std::move(detail));
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    return std::ranges::equal(text, lower, [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

bool is_access_token_type(std::string_view type) {
    for (const std::string_view known :
         {"", "jwt", "at+jwt", "application/jwt", "application/at+jwt"}) {
        if (equals_ignoring_case(type, known)) return true;
    }
    return false;
}

/// A NumericDate (RFC 7519 §2), fractions cut off. Far futures are brought to where the clock can
/// still count.
Result<std::optional<SystemTime>> read_time(const Node& claims, std::string_view name) {
    constexpr double latest = 7'258'118'400;  // the year 2200
    const auto* claim = claims.find(name);
    if (claim == nullptr) return std::nullopt;
    const auto number = claim->number();
    if (!number || *number < 0) return refuse("jwt.claims", std::string(name) + " is no time");
    return SystemTime(std::chrono::seconds(static_cast<std::int64_t>(std::min(*number, latest))));
}

Result<std::string> read_text(const Node& claims, std::string_view name) {
    const auto* claim = claims.find(name);
    if (claim == nullptr) return std::string{};
    if (!claim->string()) return refuse("jwt.claims", std::string(name) + " is no string");
    return std::string(*claim->string());
}

/// "realm_access.roles": a claim of just this name, or the way into objects.
const Node* find_claim(const Node& claims, std::string_view path) {
    if (const auto* whole = claims.find(path)) return whole;
    const auto dot = path.find('.');
    if (dot == std::string_view::npos) return nullptr;
    const auto* inner = claims.find(path.substr(0, dot));
    return inner ? find_claim(*inner, path.substr(dot + 1)) : nullptr;
}

/// Hands over a string, or each of an array of strings; nothing of a claim that is absent or null.
template <class Take>
Result<void> for_each_name(const Node* claim, Take take) {
    if (claim == nullptr || claim->is_null()) return {};
    if (const auto text = claim->string()) {
        take(*text);
        return {};
    }
    const auto array = claim->array();
    if (!array) return refuse("jwt.claims", "neither a string nor an array of strings");
    if (array->size() > names_max) return refuse("jwt.claims", "too many names");
    for (const auto& each : *array) {
        const auto name = each.string();
        if (!name) return refuse("jwt.claims", "a name that is no string");
        take(*name);
    }
    return {};
}

/// @param split  a string holds several, apart by spaces
Result<std::vector<std::string>> read_names(const Node* claim, bool split) {
    std::vector<std::string> names;
    if (claim == nullptr) return names;
    if (auto rest = claim->string()) {
        const auto spaces = split ? std::ranges::count(*rest, ' ') : 0;
        names.reserve(std::min(static_cast<std::size_t>(spaces) + 1, names_max));
        while (split && rest->contains(' ')) {
            const auto space = rest->find(' ');
            if (space != 0) names.emplace_back(rest->substr(0, space));
            rest->remove_prefix(space + 1);
        }
        if (!rest->empty()) names.emplace_back(*rest);
        if (names.size() > names_max) return refuse("jwt.claims", "too many names");
        return names;
    }
    GH_TRY_VOID(for_each_name(claim, [&](std::string_view name) { names.emplace_back(name); }));
    return names;
}

/// A name that can be written into a field and a list without becoming another: printable ASCII, no
/// comma, no space at its ends.
bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max && name.front() != ' ' &&
           name.back() != ' ' &&
           std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~' && c != ','; });
}

/// What we act upon, and send upstream in a field: no controls, no space at its ends.
bool is_subject(std::string_view subject) {
    return !subject.empty() && subject.size() <= subject_bytes_max && subject.front() != ' ' &&
           subject.back() != ' ' && std::ranges::none_of(subject, [](char c) {
               return static_cast<std::uint8_t>(c) < ' ' || c == 0x7f;
           });
}

Result<void> check_issuer(const Node& claims, const JwtPolicy& policy) {
    const auto* issuer = claims.find("iss");
    if (issuer == nullptr)
        return policy.issuer_required ? Result<void>(refuse("jwt.issuer")) : Result<void>{};
    if (!issuer->string() || *issuer->string() != policy.issuer) return refuse("jwt.issuer");
    return {};
}

Result<void> check_audience(const Node& claims, const JwtPolicy& policy) {
    bool ours = policy.any_audience;
    const auto named = for_each_name(claims.find("aud"), [&](std::string_view name) {
        ours = ours || std::ranges::find(policy.audience, name) != policy.audience.end();
    });
    if (!named) return refuse("jwt.claims", "aud");
    if (!ours) return refuse("jwt.audience");
    return {};
}

struct Times {
    SystemTime expires;
    std::optional<SystemTime> issued;
};

Result<Times> check_times(const Node& claims, const JwtPolicy& policy, SystemTime now) {
    GH_TRY(const auto expires, read_time(claims, "exp"));
    GH_TRY(const auto not_before, read_time(claims, "nbf"));
    GH_TRY(const auto issued, read_time(claims, "iat"));
    if (!expires) return refuse("jwt.claims", "exp is missing");
    if (now >= *expires + policy.leeway) return refuse("jwt.expired");
    if (not_before && now + policy.leeway < *not_before) return refuse("jwt.not_yet");
    if (issued && *issued > now + issued_ahead_max + policy.leeway)
        return refuse("jwt.claims", "iat is in the future");
    if (issued && *issued > *expires) return refuse("jwt.claims", "iat is after exp");
    return Times{*expires, issued};
}

/// `iat`, and finer where `jti` tells the same second more exactly.
SystemTime issued_at(std::optional<SystemTime> issued, std::string_view token_id) {
    if (!issued) return {};
    const auto finer = time_of_uuid_v7(token_id);
    return finer && *finer >= *issued && *finer < *issued + seconds(1) ? *finer : *issued;
}

/// A SHA-256 in base64url.
Result<std::string> read_digest(std::optional<std::string_view> text) {
    const auto octets = codec::decode_base64url(text.value_or(""));
    if (!octets || octets->size() != sizeof(crypto::Sha256Digest))
        return refuse("jwt.confirmation");
    return *octets;
}

/// One that says nothing we can check is refused: its issuer did not mean a bearer token.
Result<Confirmation> read_confirmation(const Node& claims) {
    Confirmation confirmation;
    const auto* claim = claims.find("cnf");
    if (claim == nullptr) return confirmation;
    const auto* key = claim->find("jkt");
    const auto* certificate = claim->find("x5t#S256");
    if (key == nullptr && certificate == nullptr) return refuse("jwt.confirmation");
    if (key) {
        GH_TRY_VOID(read_digest(key->string()));
        confirmation.key = *key->string();
    }
    if (certificate) {
        GH_TRY(const auto digest, read_digest(certificate->string()));
        confirmation.certificate = codec::encode_hex(digest);
    }
    return confirmation;
}

constexpr std::size_t actors_max = 8;  // and no issuer of ours names more

std::vector<std::string> read_actors(const Node& claims) {
    std::vector<std::string> actors;
    for (const auto* act = claims.find("act"); act && actors.size() < actors_max;
         act = act->find("act")) {
        const auto name = act->find_string("sub");
        if (!name || !is_subject(*name)) break;
        actors.emplace_back(*name);
    }
    return actors;
}

}  // namespace

std::string_view UnverifiedJwt::issuer() const {
    return claims.root().find_string("iss").value_or("");
}

Result<UnverifiedJwt> parse_jwt(std::string_view token) {
    auto jws = codec::parse_jws(token);
    if (!jws) return std::unexpected(std::move(jws).error());
    auto claims = codec::json::Outline::read(std::move(jws->payload),
                                             {.bytes_max = codec::jws_bytes_max, .depth_max = 16});
    if (!claims || !claims->root().is_object())
        return refuse("jwt.malformed", "the claims are no JSON object");
    return Result<UnverifiedJwt>(std::in_place, *std::move(jws), *std::move(claims));
}

Result<void> verify_signature(const codec::CompactJws& jws, const KeySet& keys) {
    GH_TRY(const auto* key, keys.find(*jws.header));
    if (!key->verify(jws.signing_input, jws.signature)) return refuse("jwt.signature");
    return {};
}

Result<Claims> verify_jwt(std::string_view token, const KeySet& keys, const JwtPolicy& policy,
                          SystemTime now) {
    auto jwt = parse_jwt(token);
    if (!jwt) return std::unexpected(std::move(jwt).error());
    return verify_jwt(*jwt, keys, policy, now);
}

Result<Claims> verify_jwt(const UnverifiedJwt& token, const KeySet& keys, const JwtPolicy& policy,
                          SystemTime now) {
    GH_TRY_VOID(verify_signature(token.jws, keys));
    if (!is_access_token_type(token.jws.header->type)) return refuse("jwt.type");
    const auto& said = token.claims.root();
    GH_TRY_VOID(check_issuer(said, policy));
    GH_TRY_VOID(check_audience(said, policy));
    Result<Claims> believed;
    auto& claims = *believed;
    GH_TRY(const auto times, check_times(said, policy, now));
    claims.expires = times.expires;
    claims.issuer = policy.issuer;
    GH_TRY(claims.subject, read_text(said, policy.subject_claim));
    if (!is_subject(claims.subject)) return refuse("jwt.claims", "no usable subject");
    GH_TRY(claims.token_id, read_text(said, "jti"));
    GH_TRY(claims.roles, read_names(find_claim(said, policy.roles_claim), false));
    GH_TRY(claims.scopes, read_names(find_claim(said, policy.scopes_claim), true));
    // A role that cannot be told from two others once it is written down grants nothing.
    std::erase_if(claims.roles, [](const std::string& role) { return !is_plain_name(role); });
    GH_TRY(claims.client_id, read_text(said, "client_id"));
    claims.issued = issued_at(times.issued, claims.token_id);
    if (const auto type = said.find_string("principal_type")) {
        claims.service = *type == service_principal;
        claims.agent = *type == agent_principal;
    }
    GH_TRY(claims.confirmation, read_confirmation(said));
    claims.delegated = said.find("act") != nullptr;
    if (claims.delegated) claims.actors = read_actors(said);
    if (claims.delegated || claims.agent)
        claims.origins =
            read_names(said.find(origins_claim), false).value_or(std::vector<std::string>{});
    return believed;
}

}  // namespace gh::identity
