#include "vault/compat.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_outline.hpp"
#include "config/text.hpp"
#include "http/message.hpp"
#include "vault/doors.hpp"
#include "vault/json_body.hpp"
#include "vault/kv_body.hpp"
#include "vault/token_body.hpp"

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
    if (error.kind == ErrorKind::permission_denied) return permission_denied(error.reason);
    constexpr std::string_view rooms[] = {"kv.", "secret.", "policy.", "token.", "wrap."};
    const bool theirs = std::ranges::any_of(
        rooms, [&](std::string_view room) { return error.reason.starts_with(room); });
    if (theirs && (error.kind == ErrorKind::invalid_argument || error.kind == ErrorKind::conflict))
        return refused(400, error.reason, error.detail);
    // A key that is lost is no secret that is not there: who wrote anew would lose the old one.
    if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::corrupt;
    return std::unexpected(std::move(error));
}

/// Two of one field count as one that says more.
bool says(const api::Call& call, std::string_view name) {
    return std::ranges::any_of(call.head.fields, [&](const http::Field& field) {
        return http::equals_ignoring_case(field.name, name) && !field.value.empty();
    });
}

/// For how long an answer is to wait; nothing: it is wanted now.
Result<std::optional<seconds>> wrap_ttl_of(const api::Call& call) {
    std::optional<seconds> ttl;
    for (const auto& field : call.head.fields) {
        if (!http::equals_ignoring_case(field.name, "X-Vault-Wrap-TTL") || field.value.empty())
            continue;
        const auto duration = kv::duration_of(field.value);
        if (ttl || !duration)
            return fail(ErrorKind::invalid_argument, "wrap.ttl",
                        "X-Vault-Wrap-TTL is wanted once, as 60 or 5m");
        ttl = duration;
    }
    if (ttl && ttl->count() == 0) ttl.reset();
    // Before anything is done whose answer nobody would have.
    if (ttl && *ttl > WrappedAnswers::ttl_max)
        return fail(ErrorKind::invalid_argument, "wrap.ttl",
                    "what is wrapped lasts 32 days at most");
    return ttl;
}

/// Of a token that an answer holds.
std::string accessor_in(std::string_view body) {
    const auto outline = codec::json::Outline::borrow(body, {.bytes_max = body.size() + 1});
    const auto* auth = outline ? outline->root().find("auth") : nullptr;
    return std::string(auth ? auth->find_string("accessor").value_or("") : "");
}

Answered wrapped(Room& room, const api::Call& call, seconds ttl, api::Reply reply) {
    WrappedAnswer wanted;
    wanted.creator = call.principal.subject;
    wanted.path = call.path.substr(std::string_view("/v1/").size());
    wanted.ttl = ttl;
    auto accessor = accessor_in(reply.body);
    crypto::Secret body{std::string_view(reply.body)};
    crypto::wipe(reply.body.data(), reply.body.size());
    auto also = audit::also<WrappedAnswer>(audit::act_of(call, "answer.wrap", "wrapped_answer"),
                                           [](audit::Record& told, const WrappedAnswer& answer) {
                                               told.object_id = answer.id;
                                               told.details.push_back({"path", answer.path});
                                           });
    auto made = co_await room.wrapped.wrap(std::move(wanted), std::move(body),
                                           std::chrono::system_clock::now(), std::move(also));
    if (!made) co_return told(std::move(made).error());
    co_return json(kv::text_of(kv::wrap_info_of(*made, std::move(accessor)), call.request_id));
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

/// A place that says where its names go: "transit/keys/{name}/config".
std::string filled_in(std::string_view place, const api::Call& call) {
    std::string path;
    for (std::size_t begin = place.find('{'); begin != place.npos; begin = place.find('{')) {
        const auto end = place.find('}', begin);
        path += place.substr(0, begin);
        path += call.param(place.substr(begin + 1, end - begin - 1));
        place.remove_prefix(end + 1);
    }
    return path.append(place);
}

/// As policies name it.
std::string judged_path(const Door& door, const api::Call& call, Want want) {
    if (door.place.contains('{')) return filled_in(door.place, call);
    std::string path(door.place);
    if (!call.parameters.empty()) {
        const auto& name = call.parameters.front().value;
        path += '/' + (door.folds ? config::lower(name) : name);
    }
    if (want == Want::list && !path.ends_with('/')) path += '/';
    return path;
}

/// Where a configuration lets everybody in, secrets are still nobody's; and where the answer of another house in this one is
/// wanted, what we have would go where it is not meant to.
std::optional<api::Reply> turned_away(const api::Call& call) {
    if (call.principal.type == access::PrincipalType::anonymous)
        return permission_denied("access.anonymous");
    if (says(call, "X-Vault-Namespace"))
        return refused(400, "kv.unsupported", "namespaces are not supported");
    return {};
}

/// What may be done there; nothing where that is not enough.
Task<Result<std::optional<Entry>>> entry_of(Room& room, const api::Call& call, const Door& door) {
    Entry entry{.call = call, .may = {}, .want = want_of(door, call)};
    if (door.is_open) co_return std::optional(std::move(entry));
    GH_CO_TRY(const auto standing, co_await standing_of(room, call.principal));
    const auto path = judged_path(door, call, entry.want);
    entry.may = standing.at(path, entry.want == Want::list);
    if (!lets_in(entry.may, entry.want)) co_return std::optional<Entry>();
    if (door.wants_sudo && !entry.may.has(Capability::sudo)) co_return std::optional<Entry>();
    co_return std::optional(std::move(entry));
}

Answered admitted(Room& room, api::Call call, Door door, Answer answer, std::string_view body) {
    if (auto refusal = turned_away(call)) co_return *std::move(refusal);
    const auto wrap = wrap_ttl_of(call);
    if (!wrap) co_return told(wrap.error());
    auto entry = co_await entry_of(room, call, door);
    if (!entry) co_return told(std::move(entry).error());
    if (!*entry) co_return permission_denied("access.policy");
    (*entry)->wraps = wrap->has_value();
    if (*wrap) {
        const auto fits = co_await room.wrapped.room_for(call.principal.subject,
                                                         std::chrono::system_clock::now());
        if (!fits) co_return told(fits.error());
    }
    auto reply = co_await answer(room, **std::move(entry), body);
    if (!reply) co_return told(std::move(reply).error());
    if (!*wrap || reply->status != 200 || reply->body.empty()) co_return reply;
    co_return co_await wrapped(room, call, **wrap, *std::move(reply));
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

std::string_view presented_token(const api::Call& call) {
    if (const auto* field = call.head.fields.find(dialect.token_field)) return field->value;
    constexpr std::string_view bearer = "Bearer ";
    const auto* field = call.head.fields.find("Authorization");
    if (!field || !http::equals_ignoring_case(field->value.substr(0, bearer.size()), bearer))
        return {};
    return field->value.substr(bearer.size());
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
    add_row(std::move(method), std::move(path), access::Access::authenticated(), std::move(handle),
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

void Table::add_public(std::string method, std::string path, api::Handle handle,
                       std::string summary, std::size_t body_bytes_max) {
    add_row(std::move(method), std::move(path), access::Access::anyone(), std::move(handle),
            std::move(summary));
    if (body_bytes_max > 0) rows_.back().body_bytes_max = body_bytes_max;
}

void Table::add_row(std::string method, std::string path, access::Access access, api::Handle handle,
                    std::string summary) {
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
