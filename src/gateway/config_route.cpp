#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "access/rate_limiter.hpp"
#include "base/try.hpp"
#include "config/object.hpp"
#include "config/text.hpp"
#include "config/types.hpp"
#include "gateway/config.hpp"
#include "gateway/config_words.hpp"

namespace gh::gateway {
namespace {

using config::Node;
using config::Object;
using config::Reader;
using config::Type;
using std::chrono::hours;

constexpr std::size_t names_max = 100;

Type<RouteMatch> match_type() {
    Object<RouteMatch> table;
    table.key("path", &RouteMatch::path, path_type(), "This path and no other.");
    table.key("path_prefix", &RouteMatch::path_prefix, path_type(),
              "/api/: everything below it. /api: itself and everything below /api/.");
    table.key("methods", &RouteMatch::methods,
              config::list_of(method_type(), {.items_min = 0, .items_max = names_max}),
              "Left out: every method.");
    table.key("host", &RouteMatch::host, host_type(),
              "A host name, or *.NAME for one label more. Left out: every host.");
    table.key("listener", &RouteMatch::listener, config::name(),
              "Name of a listener. Left out: every one that serves the gateway.");
    table.key("header", &RouteMatch::headers, config::map_of(header_value_type(), names_max),
              "Headers and their exact values.");
    table.check([](const Node& node, Reader& reader, const RouteMatch& match) {
        bool good = match.path.empty() != match.path_prefix.empty();
        if (!good) reader.refuse(node, "wants exactly one of path and path_prefix");
        for (const auto& [header, value] : match.headers) {
            if (is_token(header)) continue;
            reader.refuse(node, fmt::format("{} is not a header name", config::quote(header)));
            good = false;
        }
        return good;
    });
    return table.type();
}

/// The map form of `access`, before it is known which one it is.
struct AccessKeys {
    std::optional<std::string> role;
    std::optional<std::vector<std::string>> scopes;
    std::optional<bool> client_certificate;
    std::optional<bool> agent;
};

Result<AccessConfig> access_from(const AccessKeys& keys) {
    using Kind = AccessConfig::Kind;
    const int said = keys.role.has_value() + keys.scopes.has_value() +
                     keys.client_certificate.has_value() + keys.agent.has_value();
    if (said != 1 || !keys.client_certificate.value_or(true) || !keys.agent.value_or(true)) {
        return fail(ErrorKind::invalid_argument, "config.access",
                    "wants exactly one of role, scopes, client_certificate: true, agent: true");
    }
    AccessConfig out;
    out.kind = keys.agent                ? Kind::agent
               : keys.client_certificate ? Kind::client_certificate
               : keys.scopes             ? Kind::scopes
                                         : Kind::role;
    out.role = keys.role.value_or("");
    out.scopes = keys.scopes.value_or(std::vector<std::string>{});
    return out;
}

AccessKeys keys_of(const AccessConfig& access) {
    using Kind = AccessConfig::Kind;
    AccessKeys out;
    if (access.kind == Kind::role) out.role = access.role;
    if (access.kind == Kind::scopes) out.scopes = access.scopes;
    if (access.kind == Kind::client_certificate) out.client_certificate = true;
    if (access.kind == Kind::agent) out.agent = true;
    return out;
}

Type<AccessKeys> access_keys_type() {
    Object<AccessKeys> table;
    table.key("role", &AccessKeys::role, config::maybe(config::name()),
              "guest, user, manager or admin: that role and those above it. Another name: exactly "
              "that role.");
    table.key("scopes", &AccessKeys::scopes,
              config::maybe(config::list_of(config::text({.bytes_max = 256}),
                                            {.items_min = 1, .items_max = names_max})),
              "Every one of them.");
    table.key("client_certificate", &AccessKeys::client_certificate,
              config::maybe(config::boolean()),
              "true: whoever showed a certificate that verified.");
    table.key("agent", &AccessKeys::agent, config::maybe(config::boolean()),
              "true: agents, and nobody acting for them.");
    return table.type();
}

Type<AccessConfig> access_type() {
    using Kind = AccessConfig::Kind;
    config::Alternatives<AccessConfig> ways;
    ways.scalar = config::mapped<Kind, AccessConfig>(
        config::choice<Kind>({{"public", Kind::anyone}, {"authenticated", Kind::authenticated}}),
        [](const Kind& kind) -> Result<AccessConfig> {
            return AccessConfig{.kind = kind, .role = {}, .scopes = {}};
        },
        [](const AccessConfig& access) { return access.kind; });
    ways.map = config::mapped<AccessKeys, AccessConfig>(access_keys_type(), access_from, keys_of);
    ways.shown_as = [](const AccessConfig& access) {
        const bool word = access.kind == Kind::anyone || access.kind == Kind::authenticated;
        return word ? Node::Kind::scalar : Node::Kind::map;
    };
    return config::either(std::move(ways));
}

Type<RateLimitConfig> rate_limit_type() {
    using By = RateLimitConfig::By;
    Object<RateLimitConfig> table;
    table.required("requests", &RateLimitConfig::requests, config::integer(1U, 1'000'000'000U),
                   "At most so many in any window; more get 429.");
    table.required("per", &RateLimitConfig::per,
                   config::duration(milliseconds(1000), hours(24 * 31)), "The window.");
    table.key(
        "by", &RateLimitConfig::by,
        config::choice<By>(
            {{"client_ip", By::client_ip}, {"principal", By::principal}, {"route", By::route}}),
        "Who is counted as one: client_ip (judged before authentication), principal (after it), or "
        "route: "
        "everybody together.");
    return table.type();
}

Type<CorsConfig> cors_type() {
    const auto headers = config::list_of(header_name_type(), {.items_max = names_max});
    Object<CorsConfig> table;
    table.part<std::vector<std::string>>(
        "origins",
        [](CorsConfig& cors, std::vector<std::string> origins) {
            cors.any_origin = std::ranges::find(origins, "*") != origins.end();
            cors.origins = cors.any_origin ? std::vector<std::string>{} : std::move(origins);
        },
        [](const CorsConfig& cors) {
            return cors.any_origin ? std::vector<std::string>{"*"} : cors.origins;
        },
        config::list_of(origin_type(), {.items_max = names_max}),
        "Whose pages may read answers, compared exactly; \"*\": anybody's, never with "
        "credentials.");
    table.key("methods", &CorsConfig::methods,
              config::list_of(method_type(), {.items_max = names_max}), "Methods a page may use.");
    table.key("headers", &CorsConfig::headers, headers, "Headers a page may send.");
    table.key("expose", &CorsConfig::expose, headers, "Headers of an answer that a page may read.");
    table.key("credentials", &CorsConfig::credentials, config::boolean(),
              "Pages may send cookies and the like.");
    table.key("max_age", &CorsConfig::max_age, config::whole_seconds(seconds(0), hours(24)),
              "How long browsers keep the answer to a preflight.");
    table.check([](const Node& node, Reader& reader, const CorsConfig& cors) {
        if (cors.any_origin && cors.credentials) {
            reader.refuse(node,
                          "the origin \"*\" together with credentials would let every page act as "
                          "its visitor, "
                          "allowed: a list of origins, or credentials: false");
            return false;
        }
        if (!cors.any_origin && cors.origins.empty()) {
            reader.refuse(node, "names no origin, wanted: origins");
            return false;
        }
        return true;
    });
    return table.type();
}

constexpr std::pair<std::string_view, RequestFact> facts[] = {
    {"principal.subject", RequestFact::principal_subject},
    {"principal.type", RequestFact::principal_type},
    {"principal.roles", RequestFact::principal_roles},
    {"principal.scopes", RequestFact::principal_scopes},
    {"principal.issuer", RequestFact::principal_issuer},
    {"client.ip", RequestFact::client_ip},
    {"request.id", RequestFact::request_id},
    {"request.correlation_id", RequestFact::correlation_id},
};

/// A header value with `${principal.subject}` and the like in it.
class TemplateRules final : public Type<std::vector<HeaderPart>>::Rules {
 public:
    bool read(const Node& node, Reader& reader, std::vector<HeaderPart>& out) const override {
        std::vector<std::string_view> names;
        for (const auto& fact : facts) names.push_back(fact.first);
        const auto parts = reader.parts(node, "a header value", names);
        if (!parts) return false;
        out.clear();
        for (const auto& part : *parts) {
            if (part.placeholder) {
                out.push_back(
                    HeaderPart{std::ranges::find(facts, part.text,
                                                 &std::pair<std::string_view, RequestFact>::first)
                                   ->second,
                               {},
                               {}});
                continue;
            }
            const auto visible = [](char c) { return c >= 0x20 && c < 0x7f; };
            if (!std::ranges::all_of(part.text, visible)) {
                reader.refuse(
                    node, "holds what a header value must not, allowed: visible ASCII and blanks");
                return false;
            }
            out.push_back(HeaderPart{RequestFact::none, part.text, part.referenced});
        }
        return true;
    }
    Node show(const std::vector<HeaderPart>& parts) const override {
        std::string text;
        for (const auto& part : parts) {
            if (part.fact != RequestFact::none) {
                const auto* fact = std::ranges::find(
                    facts, part.fact, &std::pair<std::string_view, RequestFact>::second);
                fmt::format_to(std::back_inserter(text), "${{{}}}", fact->first);
                continue;
            }
            for (std::size_t i = 0; i < part.text.size(); ++i) {
                if (part.text.substr(i).starts_with("${")) text += '$';
                text += part.text[i];
            }
        }
        return Node::scalar(std::move(text));
    }
    config::Shape shape() const override { return {}; }
};

struct InjectKeys {
    std::vector<std::pair<std::string, std::vector<HeaderPart>>> headers;
    bool hide = true;
};

/// Framing, routing and what the gateway says itself: not for configuration to forge.
bool may_inject(std::string_view name) {
    constexpr std::string_view own[] = {"connection",
                                        "content-length",
                                        "expect",
                                        "forwarded",
                                        "host",
                                        "keep-alive",
                                        "te",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade",
                                        "x-request-id",
                                        "x-correlation-id",
                                        "proxy-connection",
                                        "http2-settings"};
    const auto lower = config::lower(name);
    return std::ranges::find(own, lower) == std::end(own) && !lower.starts_with("x-forwarded-") &&
           !lower.starts_with("x-gatehouse-");
}

Type<InjectConfig> inject_type() {
    Object<InjectKeys> table;
    table.key(
        "headers", &InjectKeys::headers,
        config::map_of(Type<std::vector<HeaderPart>>(std::make_shared<TemplateRules>()), names_max),
        "Set on the way to the upstream, the client's own removed. Values may hold "
        "${principal.subject}, "
        "${principal.type}, ${principal.roles}, ${principal.scopes}, ${principal.issuer}, "
        "${client.ip}, "
        "${request.id} and ${request.correlation_id}.");
    table.key(
        "hide", &InjectKeys::hide, config::boolean(),
        "What the upstream is told through ${secret:...} or another reference is looked for in its "
        "answers and written over; they are asked for without compression and cannot be tunnels.");
    table.check([](const Node& node, Reader& reader, const InjectKeys& keys) {
        bool good = true;
        for (const auto& [name, parts] : keys.headers) {
            if (is_token(name) && may_inject(name)) continue;
            reader.refuse(
                node,
                fmt::format(
                    "{} must not be injected: it is no header name, or set by the gateway itself",
                    config::quote(name)));
            good = false;
        }
        return good;
    });
    return config::mapped<InjectKeys, InjectConfig>(
        table.type(),
        [](const InjectKeys& keys) -> Result<InjectConfig> {
            InjectConfig out{.headers = {}, .hide = keys.hide};
            for (const auto& [name, parts] : keys.headers) out.headers.push_back({name, parts});
            return out;
        },
        [](const InjectConfig& inject) {
            InjectKeys keys{.headers = {}, .hide = inject.hide};
            for (const auto& [name, parts] : inject.headers) keys.headers.emplace_back(name, parts);
            return keys;
        });
}

Type<RouteConfig::Timeouts> route_timeouts_type() {
    using Timeouts = RouteConfig::Timeouts;
    const auto wait = config::maybe(config::duration(milliseconds(1), hours(24)));
    Object<Timeouts> table;
    table.key("response", &Timeouts::response, wait, "Instead of the upstream's.");
    table.key("idle", &Timeouts::idle, wait, "Instead of the upstream's.");
    table.key("tunnel_idle", &Timeouts::tunnel_idle, wait, "Instead of the upstream's.");
    table.key("total", &Timeouts::total, wait, "Instead of the upstream's.");
    return table.type();
}

}  // namespace

Type<RouteConfig> route_type() {
    constexpr std::uint64_t body_max = 1ULL << 40;
    Object<RouteConfig> table;
    table.key("name", &RouteConfig::name, config::text({.bytes_max = 128}),
              "What metrics and the log call it. Left out: the path or prefix that it matches.");
    table.required("match", &RouteConfig::match, match_type(),
                   "Which requests; everything said must hold.");
    table.required("upstream", &RouteConfig::upstream, config::name(), "Name of an upstream.");
    table.required("access", &RouteConfig::access, access_type(),
                   "Who may: public, authenticated, {role: }, {scopes: []}, {client_certificate: "
                   "true} or {agent: true}.");
    table.key(
        "kind", &RouteConfig::kind,
        config::choice<RouteKind>({{"request", RouteKind::request}, {"query", RouteKind::query}}),
        "query: queries_total and query_duration_seconds count its requests, too.");
    table.key("rate_limit", &RouteConfig::rate_limit,
              config::list_of(rate_limit_type(), {.items_max = access::RateLimiter::charges_max}),
              "Every one must hold.");
    table.key("request_body_max", &RouteConfig::request_body_max,
              config::size<std::uint64_t>(0, body_max), "Larger request bodies get 413.");
    table.key(
        "request_body", &RouteConfig::request_body,
        config::choice<BodyMode>({{"stream", BodyMode::stream}, {"buffer", BodyMode::buffer}}),
        "stream: passed on as it comes. buffer: read whole before the upstream is dialled.");
    table.key("cors", &RouteConfig::cors, config::maybe(cors_type()),
              "Cross-origin requests of browsers. Left out: none are allowed.");
    table.key("inject", &RouteConfig::inject, inject_type(), "What the upstream receives besides.");
    table.key("access_log", &RouteConfig::access_log, config::boolean(),
              "A line for each request.");
    table.key("allow_encoded_slash", &RouteConfig::allow_encoded_slash, config::boolean(),
              "Let %2F pass in paths, undecoded. Otherwise 400.");
    table.key("security_headers", &RouteConfig::security_headers,
              config::choice<SecurityHeaders>({{"api", SecurityHeaders::api},
                                               {"page", SecurityHeaders::page},
                                               {"none", SecurityHeaders::none}}),
              "Which set answers carry that the upstream did not protect itself.");
    table.key("csp", &RouteConfig::csp, header_value_type(),
              "Content-Security-Policy for HTML of the upstream. Left out: none is added.");
    table.key("timeouts", &RouteConfig::timeouts, route_timeouts_type(),
              "Where this route is slower than its upstream.");
    const auto finished = [](const RouteConfig& read) -> Result<RouteConfig> {
        RouteConfig out = read;
        if (out.name.empty())
            out.name = out.match.path.empty() ? out.match.path_prefix : out.match.path;
        return out;
    };
    return config::mapped<RouteConfig, RouteConfig>(table.type(), finished,
                                                    [](const RouteConfig& route) { return route; });
}

}  // namespace gh::gateway
