#include "api/openapi.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "api/path_tree.hpp"
#include "api/problem.hpp"

namespace gh::api {
namespace {

using access::Access;
using codec::json::Writer;

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

/// OpenAPI knows names in a path, and no dots behind them.
std::string path_of(const Route& route) {
    auto path = route.path;
    if (path.ends_with("...}")) path.erase(path.size() - 4, 3);
    return path;
}

/// "get_api_v1_users_user": as unique as method and path.
std::string operation_id(const Route& route) {
    auto id = lower(route.method);
    for (const char c : path_of(route)) {
        if (c == '/') {
            id += '_';
        } else if (c != '{' && c != '}') {
            id += c == '.' || c == '-' || c == '~' ? '_' : c;
        }
    }
    return id;
}

/// A path item has a place for these (OpenAPI 3.1 §4.8.9) and for no others, such as LIST.
bool is_describable(std::string_view method) {
    constexpr std::string_view methods[] = {"GET", "PUT", "POST", "DELETE", "PATCH"};
    return std::ranges::find(methods, method) != std::end(methods);
}

/// What a route asks beyond a credential, as names that OpenAPI 3.1 lets a security requirement carry.
std::vector<std::string> wanted(const Access& access) {
    switch (access.kind()) {
        case Access::Kind::permission:
        case Access::Kind::agent_or_permission:  // an agent wants none
            return {std::string(access::name_of(access.wanted_permission()))};
        case Access::Kind::role: return {"role:" + std::string(access.role_name())};
        case Access::Kind::scopes:
            return {access.scope_names().begin(), access.scope_names().end()};
        default: return {};
    }
}

void write_security(Writer& out, const Access& access) {
    out.name("security").begin_array();
    if (access.kind() != Access::Kind::anyone) {
        const auto names = wanted(access);
        for (const std::string_view scheme : {"bearer", "api_key", "mutual_tls"}) {
            if (access.kind() == Access::Kind::client_certificate && scheme != "mutual_tls")
                continue;
            out.begin_object().name(scheme).begin_array();
            for (const auto& name : names) out.string(name);
            out.end_array().end_object();
        }
    }
    out.end_array();
}

void write_parameters(Writer& out, Schemas& schemas, const Route& route) {
    const auto names = names_in(route.path);
    const auto& describe_query = route.handle.contract().describe_query;
    if (names.empty() && !describe_query) return;
    out.name("parameters").begin_array();
    for (const auto name : names) {
        out.begin_object().name("name").string(name).name("in").string("path");
        out.name("required").boolean(true).name("schema");
        out.begin_object().name("type").string("string").end_object().end_object();
    }
    if (describe_query) describe_query(out, schemas);
    out.end_array();
}

void write_content(Writer& out, Schemas& schemas, std::string_view media_type,
                   const Describe& describe) {
    out.name(media_type).begin_object();
    if (describe) {
        out.name("schema");
        describe(out, schemas);
    }
    out.end_object();
}

void write_body(Writer& out, Schemas& schemas, const Contract& contract) {
    if (contract.media_types.empty()) return;
    out.name("requestBody").begin_object().name("required").boolean(true);
    out.name("content").begin_object();
    for (const auto& media_type : contract.media_types)
        write_content(out, schemas, media_type, contract.describe_body);
    out.end_object().end_object();
}

void write_problem(Writer& out, std::string_view status, std::string_view doc) {
    out.name(status).begin_object().name("description").string(doc).name("content").begin_object();
    Schemas elsewhere;  // in the document anyway
    write_content(out, elsewhere, problem_content_type, describe_problem);
    out.end_object().end_object();
}

void write_responses(Writer& out, Schemas& schemas, const Route& route) {
    const auto& contract = route.handle.contract();
    out.name("responses").begin_object();
    for (const auto& answer : route.answers) {
        out.name(std::to_string(answer.status)).begin_object();
        out.name("description").string(answer.doc);
        if (!answer.media_type.empty()) {
            out.name("content").begin_object();
            write_content(out, schemas, answer.media_type, answer.describe);
            out.end_object();
        }
        out.end_object();
    }
    if (route.dialect) {
        out.name("default").begin_object().name("description").string("A failure.");
        out.name("content").begin_object().name("application/json").begin_object();
        out.end_object().end_object().end_object().end_object();
        return;
    }
    if (route.access.kind() != Access::Kind::anyone) {
        write_problem(out, "401", "No credential, or one that is not believed.");
        write_problem(out, "403", "A good credential that does not suffice.");
    }
    if (!contract.media_types.empty()) {
        write_problem(out, "413", "The body is larger than this route takes.");
        write_problem(out, "415", "The body is of another media type.");
    }
    if (contract.describe_body || contract.describe_query)
        write_problem(out, "422", "Some values are not allowed; errors says which.");
    write_problem(out, "default", "Any other failure.");
    out.end_object();
}

void write_operation(Writer& out, Schemas& schemas, const Route& route) {
    out.name(lower(route.method)).begin_object();
    out.name("operationId").string(operation_id(route));
    out.name("summary").string(route.summary);
    write_parameters(out, schemas, route);
    write_body(out, schemas, route.handle.contract());
    write_responses(out, schemas, route);
    write_security(out, route.access);
    out.end_object();
}

void write_components(Writer& out, const Schemas& schemas) {
    out.name("components").begin_object();
    out.name("securitySchemes")
        .raw(R"({"bearer":{"type":"http","scheme":"bearer","bearerFormat":"JWT"},)"
             R"("api_key":{"type":"apiKey","in":"header","name":"X-API-Key"},)"
             R"("mutual_tls":{"type":"mutualTLS"}})");
    out.name("schemas").begin_object();
    for (const auto& [name, schema] : schemas.all()) out.name(name).raw(schema);
    out.end_object().end_object();
}

}  // namespace

std::string openapi_document(std::span<const Route> routes, std::string_view version) {
    std::map<std::string, std::vector<const Route*>> paths;
    for (const auto& route : routes) {
        if (is_describable(route.method)) paths[path_of(route)].push_back(&route);
    }
    Schemas schemas;
    std::string nowhere;
    Writer unused(nowhere);
    describe_problem(unused, schemas);

    std::string text;
    Writer out(text);
    out.begin_object().name("openapi").string("3.1.0");
    out.name("info").begin_object().name("title").string("Gatehouse");
    out.name("version").string(version).end_object();
    out.name("paths").begin_object();
    for (const auto& [path, operations] : paths) {
        out.name(path).begin_object();
        for (const auto* route : operations) write_operation(out, schemas, *route);
        out.end_object();
    }
    out.end_object();
    write_components(out, schemas);
    out.end_object();
    return text;
}

}  // namespace gh::api
