#include "vault/leases/role.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/percent.hpp"
#include "config/unit.hpp"
#include "storage/postgres/once.hpp"
#include "storage/url.hpp"
#include "vault/json_body.hpp"
#include "vault/rotation/generate.hpp"

namespace gh::vault::leases {
namespace {

using codec::json::Node;
using codec::json::Writer;

std::unexpected<Error> refused(std::string detail) {
    return fail(ErrorKind::invalid_argument, "lease.body", std::move(detail));
}

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// A list of texts, or one text.
Result<std::vector<std::string>> texts_in(const Node& body, std::string_view name,
                                          std::size_t items_max, std::size_t bytes_max) {
    std::vector<std::string> texts;
    const auto* value = body.find(name);
    if (!kv::says_something(value)) return texts;
    std::size_t bytes = 0;
    const auto add = [&](const Node& each) {
        const auto text = each.string();
        if (!text || text->contains('\0')) return false;
        bytes += text->size();
        if (!text->empty()) texts.emplace_back(*text);
        return bytes <= bytes_max && texts.size() <= items_max;
    };
    bool good = true;
    if (const auto list = value->array()) {
        for (const auto& each : *list) good = good && add(each);
    } else {
        good = add(*value);
    }
    if (good) return texts;
    return refused(std::string(name) + " is no text or list of texts, or is too long");
}

Result<seconds> duration_in(const Node& body, std::string_view name) {
    const auto* value = body.find(name);
    if (!kv::says_something(value)) return seconds(0);
    const auto duration = kv::duration_of(*value);
    if (duration && *duration <= ttl_max) return *duration;
    return refused(std::string(name) + " is no duration up to 768h");
}

void replace(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

std::string joined(const std::vector<std::string>& statements) {
    std::string script;
    for (const auto& each : statements) {
        script += script.empty() ? "" : "; ";
        script += each;
    }
    return script;
}

/// "2027-01-31 00:00:00+0000".
std::string moment(SystemTime time) {
    auto text = config::time_text(time);
    replace(text, "T", " ");
    replace(text, "Z", "+0000");
    return text;
}

/// Runs `work` where the user is still there.
std::string if_there(const std::string& username, const std::string& work) {
    return "DO $gatehouse$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '" +
           username + "') THEN " + work + " END IF; END $gatehouse$";
}

/// As clients write it, with the user's name in its place and without the password.
Result<std::string> url_of(std::string url, std::string_view username) {
    replace(url, ":{{password}}", "");
    replace(url, "{{username}}", codec::percent_encode(username));
    const auto read = storage::parse_storage_url(url);
    if (!read) return refused("connection_url: " + read.error().detail);
    const auto* server = std::get_if<storage::PostgresUrl>(&*read);
    if (server == nullptr) return refused("connection_url is not postgresql://user@host/database");
    if (!server->password.view().empty())
        return refused("connection_url holds a password: give it as password");
    return url;
}

}  // namespace

Result<void> check_name(std::string_view name) {
    const bool good =
        !name.empty() && name.size() <= name_bytes_max && is_word(name.front()) &&
        is_word(name.back()) &&
        std::ranges::all_of(name, [](char c) { return is_word(c) || c == '.' || c == '-'; });
    if (good) return {};
    return fail(ErrorKind::invalid_argument, "lease.name",
                "a name has 1 to 128 letters, digits and '_', and between them '.' and '-'");
}

seconds Role::ttl() const {
    return std::min(default_ttl > seconds(0) ? default_ttl : ttl_standard, longest());
}

Result<Role> parse_role(std::string_view name, std::string_view body) {
    GH_TRY_VOID(check_name(name));
    GH_TRY(const auto read,
           kv::read_object(body, {"db_name", "creation_statements", "revocation_statements",
                                  "rollback_statements", "renew_statements", "default_ttl",
                                  "max_ttl", "credential_type", "credential_config"}));
    const auto& root = read.root();
    Role role;
    role.name = name;
    role.connection = root.find_string("db_name").value_or("");
    if (!check_name(role.connection)) return refused("db_name is no name of a connection");
    GH_TRY(role.creation,
           texts_in(root, "creation_statements", statements_max, statements_bytes_max));
    if (role.creation.empty()) return refused("creation_statements is missing");
    GH_TRY(role.revocation,
           texts_in(root, "revocation_statements", statements_max, statements_bytes_max));
    for (const auto* other : {"rollback_statements", "renew_statements"}) {
        GH_TRY(const auto texts, texts_in(root, other, statements_max, statements_bytes_max));
        if (!texts.empty()) return refused(std::string(other) + " is not supported");
    }
    const auto type = root.find_string("credential_type").value_or("password");
    if (type != "password") return refused("credential_type is password: others are not supported");
    GH_TRY(role.default_ttl, duration_in(root, "default_ttl"));
    GH_TRY(role.max_ttl, duration_in(root, "max_ttl"));
    if (role.max_ttl > seconds(0) && role.default_ttl > role.max_ttl)
        return refused("default_ttl is longer than max_ttl");
    return role;
}

Result<Connection> parse_connection(std::string_view body) {
    GH_TRY(const auto read,
           kv::read_object(
               body, {"plugin_name", "verify_connection", "allowed_roles",
                      "root_rotation_statements", "connection_url", "username", "password",
                      "password_policy", "max_open_connections", "max_idle_connections",
                      "max_connection_lifetime", "password_authentication", "username_template"}));
    const auto& root = read.root();
    if (root.find_string("plugin_name") != "postgresql-database-plugin")
        return refused("plugin_name is postgresql-database-plugin: others are not supported");
    if (!root.find_string("username_template").value_or("").empty())
        return refused("username_template is not supported");
    Connection made;
    GH_TRY(made.url, url_of(std::string(root.find_string("connection_url").value_or("")),
                            root.find_string("username").value_or("")));
    made.password = crypto::Secret(root.find_string("password").value_or(""));
    GH_TRY(made.allowed_roles,
           texts_in(root, "allowed_roles", allowed_roles_max, statements_bytes_max));
    if (const auto* verify = root.find("verify_connection"); kv::says_something(verify)) {
        const auto truth = kv::truth_of(*verify);
        if (!truth) return refused("verify_connection is true or false");
        made.verify = *truth;
    }
    return made;
}

crypto::Secret fields_of(const Connection& connection) {
    std::string json;
    std::size_t size = connection.url.size() + connection.password.size() + 64;
    for (const auto& role : connection.allowed_roles) size += role.size() + 4;
    json.reserve(6 * size);  // what grew elsewhere would not be wiped
    Writer out(json);
    out.begin_object().name("url").string(connection.url).name("password");
    out.string(crypto::text_of(connection.password.bytes())).name("allowed_roles").begin_array();
    for (const auto& role : connection.allowed_roles) out.string(role);
    out.end_array().end_object();
    crypto::Secret fields(json);
    crypto::wipe(json.data(), json.size());
    return fields;
}

Result<Connection> connection_of(std::string_view fields) {
    GH_TRY(const auto read, codec::json::parse(fields, {.bytes_max = fields.size()}));
    Connection made;
    const auto* url = read.find_string("url");
    if (url == nullptr) return refused("the connection has no url");
    made.url = *url;
    if (const auto* password = read.find_string("password"))
        made.password = crypto::Secret(*password);
    const auto* roles = read.find("allowed_roles");
    if (roles == nullptr || roles->array() == nullptr) return made;
    for (const auto& role : *roles->array())
        if (role.string()) made.allowed_roles.push_back(*role.string());
    return made;
}

bool allows(const Connection& connection, std::string_view role) {
    return std::ranges::any_of(connection.allowed_roles, [&](const std::string& each) {
        return each == "*" || each == role;
    });
}

Result<Wish> parse_wish(std::string_view body) {
    GH_TRY(const auto read, kv::read_object(body, {"lease_id", "increment", "sync"}));
    Wish wish;
    wish.lease = read.root().find_string("lease_id").value_or("");
    if (wish.lease.empty()) return refused("lease_id is missing");
    if (const auto* increment = read.root().find("increment"); kv::says_something(increment)) {
        wish.increment = kv::duration_of(*increment);
        if (!wish.increment) return refused("increment is no duration");
    }
    return wish;
}

std::string new_username(std::string_view role, SystemTime now) {
    constexpr std::size_t role_bytes_max = 12;
    constexpr std::size_t random_bytes = 20;
    std::string name = "v-";
    for (const char c : role.substr(0, role_bytes_max))
        name += is_word(c) && c != '_' ? static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c) : '-';
    const auto chance = rotation::random_text("abcdefghijklmnopqrstuvwxyz0123456789", random_bytes);
    name.append("-").append(crypto::text_of(chance.bytes())).append("-");
    const auto since_1970 = std::chrono::floor<seconds>(now.time_since_epoch());
    return name + std::to_string(since_1970.count());
}

std::string creation_script(const Role& role, const std::string& username,
                            const std::string& verifier, SystemTime expires) {
    auto script = joined(role.creation);
    replace(script, "{{name}}", username);
    replace(script, "{{username}}", username);
    replace(script, "{{password}}", verifier);
    replace(script, "{{expiration}}", moment(expires));
    return script;
}

std::string close_script(const std::string& username) {
    const auto quoted = storage::quoted_identifier(username);
    return if_there(username, "ALTER ROLE " + quoted + " NOLOGIN PASSWORD NULL;");
}

std::string end_script(const std::vector<std::string>& revocation, const std::string& username) {
    if (!revocation.empty()) {
        auto script = joined(revocation);
        replace(script, "{{name}}", username);
        replace(script, "{{username}}", username);
        return script;
    }
    const auto quoted = storage::quoted_identifier(username);
    return if_there(username,
                    "EXECUTE 'GRANT " + quoted +
                        " TO CURRENT_USER'; PERFORM "
                        "pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
                        "WHERE usename = '" +
                        username + "'; DROP OWNED BY " + quoted + "; DROP ROLE " + quoted + ";");
}

std::string renew_script(const std::string& username, SystemTime expires) {
    return "ALTER ROLE " + storage::quoted_identifier(username) + " VALID UNTIL '" +
           moment(expires) + "'";
}

std::string text_of(const std::vector<std::string>& texts) {
    std::string json;
    Writer out(json);
    out.begin_array();
    for (const auto& text : texts) out.string(text);
    out.end_array();
    return json;
}

std::vector<std::string> texts_of(std::string_view json) {
    std::vector<std::string> texts;
    const auto read = codec::json::parse(json);
    if (!read || read->array() == nullptr) return texts;
    for (const auto& each : *read->array())
        if (each.string()) texts.push_back(*each.string());
    return texts;
}

}  // namespace gh::vault::leases
