#include "vault/compat.hpp"

#include <optional>

#include "base/try.hpp"
#include "config/text.hpp"
#include "http/message.hpp"
#include "vault/doors.hpp"
#include "vault/kv_body.hpp"

namespace gh::vault {
namespace {

/// Every refusal of these routes, those of the gateway's doors among them.
api::Reply in_their_words(const api::Problem& problem) {
    if (problem.status == 404) return refused(404, problem.code, {});
    if (problem.status == 401 || problem.status == 403) return permission_denied(problem.code);
    return refused(problem.status, problem.code,
                   problem.detail.empty() ? http::reason_phrase(problem.status) : problem.detail);
}

constexpr api::Dialect dialect{.token_field = "X-Vault-Token", .refuse = in_their_words};

/// What the repositories and the parsers refuse, as a client reads it.
Result<api::Reply> told(Error error) {
    if (error.reason == "secret.unknown") return refused(404, error.reason, {});
    if (error.reason == "secret.cas") {
        return refused(400, error.reason,
                       "check-and-set parameter did not match the current version");
    }
    if (error.reason == "secret.cas_required")
        return refused(400, error.reason, "check-and-set parameter required for this call");
    const bool theirs = error.reason.starts_with("kv.") || error.reason.starts_with("secret.") ||
                        error.reason.starts_with("policy.");
    if (theirs && (error.kind == ErrorKind::invalid_argument || error.kind == ErrorKind::conflict))
        return refused(400, error.reason, error.detail);
    // A key that is lost is no secret that is not there: who wrote anew would lose the old one.
    if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::corrupt;
    return std::unexpected(std::move(error));
}

/// A wrapped answer is wanted, or that of another house in this one: what we have would go where it is not meant to.
bool wants_more(const api::Call& call) {
    const auto says = [&](std::string_view name) {
        const auto* field = call.head.fields.find(name);
        return field != nullptr && !field->value.empty();
    };
    return says("X-Vault-Wrap-TTL") || says("X-Vault-Namespace");
}

bool lets_in(Capabilities may, Want want) {
    switch (want) {
        case Want::read: return may.has(Capability::read);
        case Want::list: return may.has(Capability::list);
        case Want::write: return may.has(Capability::create) || may.has(Capability::update);
        case Want::update: return may.has(Capability::update);
        case Want::patch: return may.has(Capability::patch);
        case Want::remove: return may.has(Capability::remove);
    }
    return false;
}

Want want_of(const Door& door, const api::Call& call) {
    return door.asks_query && kv::asks_for_list(call.query) ? Want::list : door.want;
}

/// As policies name it.
std::string judged_path(const Door& door, const api::Call& call, Want want) {
    std::string path(door.place);
    if (!call.parameters.empty()) {
        const auto& name = call.parameters.front().value;
        path += '/' + (door.folds ? config::lower(name) : name);
    }
    if (want == Want::list && !path.ends_with('/')) path += '/';
    return path;
}

Answered admitted(Room& room, api::Call call, Door door, Answer answer, std::string_view body) {
    if (auto refusal = turned_away(call)) co_return *std::move(refusal);
    const auto standing = co_await standing_of(room, call.principal);
    if (!standing) co_return told(standing.error());
    Entry entry{.call = call, .may = {}, .want = want_of(door, call)};
    const auto path = judged_path(door, call, entry.want);
    entry.may = standing->at(path, entry.want == Want::list);
    if (!lets_in(entry.may, entry.want)) co_return permission_denied("access.policy");
    auto reply = co_await answer(room, std::move(entry), body);
    if (reply) co_return reply;
    co_return told(std::move(reply).error());
}

}  // namespace

api::Reply json(std::string body, std::uint16_t status) {
    api::Reply reply;
    reply.status = status;
    reply.body = std::move(body);
    return reply;
}

api::Reply refused(std::uint16_t status, std::string_view code, std::string_view error) {
    auto reply = json(kv::text_of_errors(error), status);
    reply.code = code;
    return reply;
}

api::Reply permission_denied(std::string_view code) {
    return refused(403, code, "permission denied");
}

std::optional<api::Reply> turned_away(const api::Call& call) {
    if (call.principal.type == access::PrincipalType::anonymous)
        return permission_denied("access.anonymous");
    if (!wants_more(call)) return {};
    return refused(400, "kv.unsupported", "response wrapping and namespaces are not supported");
}

std::string path_of(const Entry& entry) {
    return entry.call.parameters.empty() ? std::string() : entry.call.parameters.front().value;
}

void Table::add(std::string method, std::string path, Door door, Answer answer, std::string summary,
                std::size_t body_bytes_max) {
    auto run = [door, answer = std::move(answer)](Room& room, const api::Call& call,
                                                  std::string_view body) {
        return admitted(room, call, door, answer, body);
    };
    auto handle = body_bytes_max > 0
                      // Their own clients name no media type.
                      ? api::with(room_, run, api::raw_body({std::string(api::any_media_type)}))
                      : api::with(room_, [run](Room& room, const api::Call& call) {
                            return run(room, call, {});
                        });
    add_open(std::move(method), std::move(path), access::Access::authenticated(), std::move(handle),
             std::move(summary));
    auto& row = rows_.back();
    if (body_bytes_max > 0) row.body_bytes_max = body_bytes_max;
    if (door.is_silent) row.answers = {{204, "Done.", "", nullptr}};
}

void Table::add_write(const std::string& path, Door door, const Answer& answer,
                      const std::string& summary, std::size_t body_bytes_max) {
    for (const auto* method : {"POST", "PUT"})
        add(method, path, door, answer, summary, body_bytes_max);
}

void Table::add_open(std::string method, std::string path, access::Access access,
                     api::Handle handle, std::string summary) {
    api::Route route;
    route.method = std::move(method);
    route.path = std::move(path);
    route.access = std::move(access);
    route.handle = std::move(handle);
    route.summary = std::move(summary);
    route.answers = {{200, "It.", "application/json", nullptr}};
    route.dialect = &dialect;
    rows_.push_back(std::move(route));
}

}  // namespace gh::vault
