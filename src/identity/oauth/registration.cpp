#include "identity/oauth/registration.hpp"

#include "access/permission.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/authorization.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "identity/names.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/secret.hpp"
#include "identity/rights.hpp"

namespace gh::identity::oauth {
namespace {

using codec::json::Value;
using storage::Session;
using storage::Statement;

constexpr Statement insert_token{
    .name = "oauth_initial_tokens.create",
    .sql =
        "INSERT INTO oauth_initial_tokens (id, hash, scopes, resources, expires_at) "
        "VALUES ($1, $2, $3, $4, $5)"};
constexpr Statement select_token{
    .name = "oauth_initial_tokens.find",
    .sql = "SELECT hash, scopes, resources, expires_at FROM oauth_initial_tokens WHERE id = $1"};
constexpr Statement remove_token{.name = "oauth_initial_tokens.use",
                                 .sql = "DELETE FROM oauth_initial_tokens WHERE id = $1"};
constexpr Statement remove_expired{
    .name = "oauth_initial_tokens.clean",
    .sql = "DELETE FROM oauth_initial_tokens WHERE expires_at <= $1"};

std::unexpected<Error> malformed() { return refuse("oauth.registration_metadata"); }

Result<std::string> read_text(const Value& metadata, std::string_view name,
                              std::string_view otherwise) {
    const auto* value = metadata.find(name);
    if (value == nullptr) return std::string(otherwise);
    if (value->string() == nullptr) return malformed();
    return *value->string();
}

Result<bool> read_flag(const Value& metadata, std::string_view name) {
    const auto* value = metadata.find(name);
    if (value == nullptr) return false;
    if (!value->boolean()) return malformed();
    return *value->boolean();
}

Result<std::vector<std::string>> read_list(const Value& metadata, std::string_view name) {
    std::vector<std::string> list;
    const auto* value = metadata.find(name);
    if (value == nullptr) return list;
    if (value->array() == nullptr || value->array()->size() > client_scopes_max) return malformed();
    for (const auto& each : *value->array()) {
        if (each.string() == nullptr) return malformed();
        list.push_back(*each.string());
    }
    return list;
}

/// Exactly one of the three names a certificate.
Result<std::string> read_certificate_name(const Value& metadata) {
    constexpr std::pair<std::string_view, std::string_view> kinds[] = {
        {"tls_client_auth_subject_dn", "dn:"},
        {"tls_client_auth_san_dns", "dns:"},
        {"tls_client_auth_san_uri", "uri:"},
        {"tls_client_auth_san_ip", "ip:"}};
    std::string found;
    for (const auto& [member, kind] : kinds) {
        GH_TRY(const auto name, read_text(metadata, member, ""));
        if (name.empty()) continue;
        if (!found.empty()) return malformed();
        found = std::string(kind) + name;
    }
    return found;
}

/// With an initial access token no more than it says, and nothing that rests on the client's word alone.
Result<void> check_within(const NewClient& client, const Portion& portion) {
    const bool trusting =
        has_name(client.grants, grant_password) || has_name(client.grants, grant_exchange);
    if (trusting || !has_names(portion.scopes, client.scopes) ||
        !has_names(portion.resources, client.resources)) {
        return malformed();
    }
    return {};
}

/// With a permission: scopes of ours that the caller holds, and what rests on the client's word alone by an administrator.
Result<void> check_within(const NewClient& client, const access::Principal& caller,
                          const access::CustomRoles& custom) {
    const bool trusting =
        has_name(client.grants, grant_password) || has_name(client.grants, grant_exchange);
    if ((trusting && caller.role != access::Role::admin) ||
        !may_hand_out(caller, {{}, client.scopes}, custom, access::Permission::clients_write)) {
        return malformed();
    }
    return {};
}

struct RegisterWork {
    std::string token;  ///< an initial access token; empty: somebody with the permission
    Client client;
    std::shared_ptr<const ApiKeyHasher> hasher;
    audit::Record act;
    SystemTime now;
};

Task<Result<void>> use_token(Session& session, const RegisterWork& work) {
    const auto id = id_of_secret(SecretKind::initial, work.token);
    if (!id) co_return refuse("oauth.registration_token");
    GH_CO_TRY(const auto found, co_await session.query_one(select_token, *id));
    if (!found || !is_hash_of((*found).octets(0), work.token, *work.hasher) ||
        work.now >= (*found).time(3)) {
        co_return refuse("oauth.registration_token");
    }
    Portion portion{split_names((*found).text(1), ' '), split_names((*found).text(2), ' ')};
    GH_CO_TRY_VOID(check_within(work.client, portion));
    GH_CO_TRY_VOID(co_await session.execute(remove_token, *id));
    co_return Result<void>{};
}

Task<Result<void>> keep_client(Session& session, RegisterWork work) {
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    if (!work.token.empty()) GH_CO_TRY_VOID(co_await use_token(session, work));
    GH_CO_TRY_VOID(co_await ClientRepository::insert_in(session, work.client));
    co_return co_await audit::Log::append(session, work.act);
}

/// Who may: the bearer of an initial access token, told apart from our other tokens by its form; or a permission.
Result<std::string> initial_token_of(const Server& server, const api::Call& call) {
    const auto custom = server.parts().roles.current();
    if (permissions_of(call.principal, *custom).has(access::Permission::clients_write))
        return std::string();
    const auto value = call.head.fields.value(http::FieldId::authorization);
    const auto parts = codec::parse_authorization(value);
    if (!parts || parts->scheme != codec::AuthScheme::bearer ||
        !id_of_secret(SecretKind::initial, parts->token)) {
        return refuse("oauth.registration_token");
    }
    return std::string(parts->token);
}

void list(codec::json::Writer& out, std::string_view name, const std::vector<std::string>& values) {
    out.name(name).begin_array();
    for (const auto& value : values) out.string(value);
    out.end_array();
}

api::Reply describe_client(const MadeClient& made) {
    const auto& client = made.client;
    const auto created = std::chrono::floor<seconds>(client.created_at).time_since_epoch().count();
    api::Reply reply;
    reply.status = 201;
    codec::json::Writer out(reply.body);
    out.begin_object().name("client_id").string(client.id);
    out.name("client_id_issued_at").integer(created);
    if (!made.secret.empty()) {
        out.name("client_secret").string(made.secret);
        out.name("client_secret_expires_at").integer(0);
    }
    out.name("client_name").string(client.name);
    out.name("token_endpoint_auth_method").string(name_of(client.authentication));
    list(out, "redirect_uris", client.redirect_uris);
    list(out, "grant_types", client.grants);
    out.name("scope").string(join_names(client.scopes, ' '));
    out.name("dpop_bound_access_tokens").boolean(client.require_dpop);
    out.name("tls_client_certificate_bound_access_tokens").boolean(client.certificate_bound);
    out.end_object();
    reply.fields.emplace_back("Pragma", "no-cache");
    return reply;
}

std::unexpected<Error> in_terms_of_registration(const Error& error) {
    return refuse(error.reason == "client.redirect_uri" ? "oauth.registration_redirect"
                                                        : "oauth.registration_metadata",
                  error.detail);
}

Task<Result<std::string>> insert_initial(Session& session, MadeSecret secret, Portion portion,
                                         SystemTime now) {
    GH_CO_TRY_VOID(co_await session.execute(
        insert_token, secret.id, blob_of(secret.hash), join_names(portion.scopes, ' '),
        join_names(portion.resources, ' '), now + initial_token_lifetime));
    co_return secret.id;
}

}  // namespace

Result<NewClient> read_client_metadata(std::string_view body) {
    const auto metadata = codec::json::parse(body, {.bytes_max = body.size(), .depth_max = 8});
    if (!metadata || metadata->object() == nullptr) return malformed();
    NewClient client;
    GH_TRY(client.name, read_text(*metadata, "client_name", "unnamed"));
    GH_TRY(const auto way,
           read_text(*metadata, "token_endpoint_auth_method", "client_secret_basic"));
    const auto authentication = client_authentication_of(way);
    if (!authentication) return malformed();
    client.authentication = *authentication;
    GH_TRY(client.redirect_uris, read_list(*metadata, "redirect_uris"));
    GH_TRY(client.grants, read_list(*metadata, "grant_types"));
    if (client.grants.empty()) client.grants.emplace_back(grant_code);
    GH_TRY(const auto response_types, read_list(*metadata, "response_types"));
    for (const auto& type : response_types) {
        if (type != "code") return malformed();
    }
    GH_TRY(const auto scope, read_text(*metadata, "scope", "openid"));
    client.scopes = split_names(scope, ' ');
    GH_TRY(client.resources, read_list(*metadata, "resources"));
    GH_TRY(client.require_dpop, read_flag(*metadata, "dpop_bound_access_tokens"));
    GH_TRY(client.certificate_bound,
           read_flag(*metadata, "tls_client_certificate_bound_access_tokens"));
    GH_TRY(client.certificate_name, read_certificate_name(*metadata));
    return client;
}

Task<Result<api::Reply>> answer_register(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(auto token, initial_token_of(server, call));
    GH_CO_TRY(auto asked, read_client_metadata(body));
    if (token.empty()) {
        const auto custom = server.parts().roles.current();
        GH_CO_TRY_VOID(check_within(asked, call.principal, *custom));
    }
    const auto now = server.now();
    auto made = server.clients().made_of(std::move(asked), now);
    if (!made) co_return in_terms_of_registration(made.error());
    RegisterWork kept{.token = std::move(token),
                      .client = made->client,
                      .hasher = server.parts().hasher,
                      .act = audit::act_of(call, "oauth.register", "oauth_client", made->client.id),
                      .now = now};
    kept.act.details.push_back({"client_name", made->client.name});
    kept.act.details.push_back({"scopes", join_names(made->client.scopes, ' ')});
    auto work = [kept = std::move(kept)](Session& session) { return keep_client(session, kept); };
    GH_CO_TRY_VOID(co_await server.parts().database.write(std::move(work)));
    co_return describe_client(*made);
}

Task<Result<std::string>> make_initial_token(storage::Database& database,
                                             const ApiKeyHasher& hasher, Portion portion,
                                             SystemTime now, storage::Also<std::string> also) {
    const auto secret = make_secret(SecretKind::initial, hasher);
    auto work = [secret, portion = std::move(portion), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, insert_initial(session, secret, portion, now), also);
    };
    GH_CO_TRY_VOID(co_await database.write(std::move(work)));
    co_return secret.text;
}

Task<Result<std::uint64_t>> clean_initial_tokens(Session& session, SystemTime now) {
    co_return co_await session.execute(remove_expired, now);
}

}  // namespace gh::identity::oauth
