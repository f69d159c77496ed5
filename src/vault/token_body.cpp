#include "vault/token_body.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "vault/json_body.hpp"
#include "vault/kv_body.hpp"
#include "vault/kv_json.hpp"
#include "vault/policy.hpp"

namespace gh::vault::kv {
namespace {

using codec::json::Node;
using codec::json::Writer;

constexpr std::size_t policies_of_token_max = 32;
constexpr std::size_t display_name_bytes_max = 100;
constexpr std::size_t meta_bytes_max = 512;

/// What this house has not, and would change what the token is.
Result<void> refuse_what_is_not_here(const Node& body) {
    for (const auto* name : {"id", "role_name", "entity_alias"}) {
        const auto text = body.find_string(name).value_or(std::string_view{});
        if (!text.empty()) return refused_body(std::string(name) + " is not supported");
    }
    const auto type = body.find_string("type").value_or("service");
    if (type != "service" && type != "default" && !type.empty())
        return refused_body("type is service: other tokens are not supported");
    const auto* uses = body.find("num_uses");
    if (says_something(uses) && number_of(*uses) != 0)
        return refused_body("num_uses is not supported");
    return {};
}

Result<std::string> policy_named(std::string_view text) {
    auto name = config::lower(text);
    if (!check_policy_name(name)) return refused_body("policies holds what is no policy's name");
    return name;
}

/// With commas, as the command line of OpenBao sends them.
Result<std::vector<std::string>> named_in(std::string_view text) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        GH_TRY(auto name, policy_named(trimmed(text.substr(at, end - at))));
        names.push_back(std::move(name));
        at = end + 1;
    }
    if (names.size() > policies_of_token_max)
        return refused_body("policies is no list of at most 32 names");
    return names;
}

Result<std::vector<std::string>> policies_of(const Node& body) {
    const auto* given = body.find("policies");
    std::vector<std::string> names;
    if (!says_something(given)) return names;
    if (const auto text = given->string()) return named_in(*text);
    const auto list = given->array();
    if (!list || list->size() > policies_of_token_max)
        return refused_body("policies is no list of at most 32 names");
    for (const auto& each : *list) {
        if (!each.string()) return refused_body("policies holds what is no name");
        GH_TRY(auto name, policy_named(*each.string()));
        names.push_back(std::move(name));
    }
    return names;
}

Result<std::string> meta_of(const Node& body) {
    const auto* given = body.find("meta");
    if (!says_something(given)) return std::string();
    const auto value = given->value();
    if (value.object() == nullptr || value.object()->size() > token_meta_max)
        return refused_body("meta is no JSON object of at most 64 texts");
    std::string text;
    Writer out(text);
    out.begin_object();
    for (const auto& [name, each] : *value.object()) {
        if (each.string() == nullptr || each.string()->size() + name.size() > meta_bytes_max)
            return refused_body("meta holds what is no text of at most 512 octets");
        out.name(name).string(*each.string());
    }
    out.end_object();
    return text;
}

/// A duration that is not named, or 0, says nothing.
Result<std::optional<seconds>> duration_named(const Node& body, const char* name) {
    const auto* given = body.find(name);
    if (!says_something(given) || given->string() == "") return std::optional<seconds>();
    const auto duration = duration_of(*given);
    if (!duration || *duration > duration_max)
        return refused_body(std::string(name) + " is no duration as 30s or 3h25m19s");
    if (duration->count() == 0) return std::optional<seconds>();
    return duration;
}

Result<bool> flag_named(const Node& body, const char* name, bool unsaid) {
    const auto* given = body.find(name);
    if (!says_something(given)) return unsaid;
    const auto told = truth_of(*given);
    if (!told) return refused_body(std::string(name) + " is neither true nor false");
    return *told;
}

Result<TokenTerms> terms_of(const Node& body) {
    TokenTerms terms;
    GH_TRY(auto ttl, duration_named(body, "ttl"));
    if (!ttl) {
        GH_TRY(ttl, duration_named(body, "lease"));
    }
    GH_TRY(terms.period, duration_named(body, "period"));
    GH_TRY(terms.explicit_max_ttl, duration_named(body, "explicit_max_ttl"));
    GH_TRY(terms.renewable, flag_named(body, "renewable", true));
    terms.ttl = terms.period.value_or(ttl.value_or(token_ttl_usual));
    if (terms.explicit_max_ttl) terms.ttl = std::min(terms.ttl, *terms.explicit_max_ttl);
    return terms;
}

std::int64_t unix_of(SystemTime time) {
    return std::chrono::floor<seconds>(time.time_since_epoch()).count();
}

std::int64_t left_of(const Token& token, SystemTime now) {
    if (!token.expires_at || *token.expires_at <= now) return 0;
    return std::chrono::ceil<seconds>(*token.expires_at - now).count();
}

bool is_renewable(const Token& token) { return token.terms && token.terms->renewable; }

void write_names(Writer& out, std::string_view name, const std::vector<std::string>& names) {
    out.name(name).begin_array();
    for (const auto& each : names) out.string(each);
    out.end_array();
}

void write_meta(Writer& out, std::string_view name, const Token& token) {
    out.name(name).raw(token.meta.empty() ? "null" : token.meta);
}

void write_moments(Writer& out, const Token& token, SystemTime now) {
    const auto terms = token.terms.value_or(TokenTerms{});
    out.name("creation_time").integer(unix_of(token.created_at));
    out.name("creation_ttl").integer(terms.ttl.count());
    out.name("issue_time").string(config::time_text(token.created_at));
    out.name("expire_time");
    if (token.expires_at) {
        out.string(config::time_text(*token.expires_at));
    } else {
        out.null();
    }
    out.name("explicit_max_ttl").integer(terms.explicit_max_ttl.value_or(seconds(0)).count());
    if (terms.period) out.name("period").integer(terms.period->count());
    if (token.renewed_at) {
        out.name("last_renewal").string(config::time_text(*token.renewed_at));
        out.name("last_renewal_time").integer(unix_of(*token.renewed_at));
    }
    out.name("ttl").integer(left_of(token, now));
}

/// The envelope, with what is not its data.
struct Envelope {
    std::string text;
    Writer out{text};

    explicit Envelope(std::string_view request_id) {
        out.begin_object().name("request_id").string(request_id).name("lease_id").string("");
        out.name("renewable").boolean(false).name("lease_duration").integer(0);
        out.name("data").null().name("warnings").null();
    }
};

}  // namespace

Result<WantedToken> parse_wanted_token(std::string_view body) {
    GH_TRY(const auto outline,
           read_optional_object(
               body, {"id", "role_name", "policies", "meta", "no_parent", "no_default_policy",
                      "renewable", "lease", "ttl", "type", "explicit_max_ttl", "display_name",
                      "num_uses", "period", "entity_alias"}));
    const auto& root = outline.root();
    GH_TRY_VOID(refuse_what_is_not_here(root));
    WantedToken wanted;
    GH_TRY(wanted.policies, policies_of(root));
    GH_TRY(wanted.meta, meta_of(root));
    GH_TRY(wanted.terms, terms_of(root));
    GH_TRY(wanted.is_orphan, flag_named(root, "no_parent", false));
    wanted.display_name = root.find_string("display_name").value_or(std::string_view{});
    if (wanted.display_name.size() > display_name_bytes_max)
        return refused_body("display_name has more than 100 octets");
    return wanted;
}

Result<NamedToken> parse_named_token(std::string_view body, std::string_view what) {
    GH_TRY(const auto outline, what.empty() ? read_optional_object(body, {"token", "increment"})
                                            : read_object(body, {what, "increment"}));
    const auto& root = outline.root();
    NamedToken named;
    GH_TRY(named.increment, duration_named(root, "increment"));
    if (what.empty()) return named;
    const auto given = root.find_string(what);
    if (!given || given->empty()) return refused_body(std::string(what) + " is wanted, a text");
    // Of the body itself, where it has no escapes: no credential has any.
    if (given->data() < body.data() || given->data() + given->size() > body.data() + body.size())
        return refused_body(std::string(what) + " has escapes");
    if (what == "accessor") {
        named.accessor = *given;
    } else {
        named.text = *given;
    }
    return named;
}

std::string text_of_auth(const Token& token, std::string_view text, SystemTime now,
                         std::string_view request_id) {
    Envelope made(request_id);
    auto& out = made.out;
    out.name("wrap_info").null().name("auth").begin_object();
    out.name("client_token").string(text).name("accessor").string(token.accessor);
    write_names(out, "policies", token.policies);
    write_names(out, "token_policies", token.policies);
    write_meta(out, "metadata", token);
    out.name("lease_duration").integer(left_of(token, now));
    out.name("renewable").boolean(is_renewable(token)).name("entity_id").string("");
    out.name("token_type").string("service").name("orphan").boolean(token.is_orphan);
    out.name("mfa_requirement").null().name("num_uses").integer(0).end_object().end_object();
    return made.text + "\n";
}

std::string text_of(const Token& token, std::string_view text, SystemTime now,
                    std::string_view request_id) {
    std::string data;
    Writer out(data);
    out.begin_object().name("accessor").string(token.accessor);
    write_moments(out, token, now);
    out.name("display_name").string(token.display_name).name("entity_id").string("");
    out.name("id").string(text);
    write_meta(out, "meta", token);
    out.name("num_uses").integer(0).name("orphan").boolean(token.is_orphan);
    out.name("path").string("auth/token/create");
    write_names(out, "policies", token.policies);
    out.name("renewable").boolean(is_renewable(token)).name("type").string("service").end_object();
    return enveloped(data, request_id);
}

WrapInfo wrap_info_of(const MadeWrapping& made, std::string wrapped_accessor) {
    WrapInfo info;
    info.token = made.token;
    info.accessor = made.answer.id;
    info.ttl = made.answer.ttl;
    info.created_at = made.answer.created_at;
    info.path = made.answer.path;
    info.wrapped_accessor = std::move(wrapped_accessor);
    return info;
}

std::string text_of(const WrappedAnswer& waiting, std::string_view request_id) {
    std::string data;
    Writer out(data);
    out.begin_object().name("creation_path").string(waiting.path);
    out.name("creation_time").string(config::time_text(waiting.created_at));
    out.name("creation_ttl").integer(waiting.ttl.count()).end_object();
    return enveloped(data, request_id);
}

std::string text_of(const WrapInfo& wrapped, std::string_view request_id) {
    Envelope made(request_id);
    auto& out = made.out;
    out.name("wrap_info").begin_object().name("token").string(wrapped.token);
    out.name("accessor").string(wrapped.accessor).name("ttl").integer(wrapped.ttl.count());
    out.name("creation_time").string(config::time_text(wrapped.created_at));
    out.name("creation_path").string(wrapped.path);
    if (!wrapped.wrapped_accessor.empty())
        out.name("wrapped_accessor").string(wrapped.wrapped_accessor);
    out.end_object().name("auth").null().end_object();
    return made.text + "\n";
}

}  // namespace gh::vault::kv
