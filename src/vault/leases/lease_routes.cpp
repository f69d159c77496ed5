#include <algorithm>
#include <chrono>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/unit.hpp"
#include "vault/doors.hpp"
#include "vault/leases/answer.hpp"
#include "vault/rotation/uses.hpp"

namespace gh::vault::leases {
namespace {

using codec::json::Writer;

constexpr std::size_t listed_max = 10'000;
constexpr std::size_t revoked_at_once_max = 100;

SystemTime now() { return std::chrono::system_clock::now(); }

std::int64_t left_of(const Lease& lease) {
    const auto left = std::chrono::ceil<seconds>(lease.expires_at - now());
    return std::max<std::int64_t>(left.count(), 0);
}

bool is_live(const Lease& lease) { return lease.state == State::live && lease.expires_at > now(); }

/// Whoever has it, and who may do that with any. To everybody else it is none.
Task<Result<Lease>> find_for(LeaseRoom& room, const Entry& entry, std::string id,
                             std::string_view place) {
    auto lease = co_await room.leases.find(std::move(id));
    if (lease && !is_live(*lease))
        lease = fail(ErrorKind::not_found, "lease.unknown", "invalid lease");
    if (!lease || lease->holder == rotation::consumer_of(entry.call.principal)) co_return lease;
    GH_CO_TRY(const auto standing, co_await standing_of(room.vault, entry.call.principal));
    if (standing.at(place, false).has(Capability::update)) co_return lease;
    co_return fail(ErrorKind::not_found, "lease.unknown", "invalid lease");
}

Answered look(LeaseRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto wish, parse_wish(body));
    GH_CO_TRY(const auto lease,
              co_await find_for(room, entry, std::move(wish.lease), "sys/leases/lookup"));
    std::string data;
    Writer out(data);
    out.begin_object().name("id").string(lease.id);
    out.name("issue_time").string(config::time_text(lease.issued_at));
    out.name("expire_time").string(config::time_text(lease.expires_at)).name("last_renewal");
    if (lease.renewed_at) {
        out.string(config::time_text(*lease.renewed_at));
    } else {
        out.null();
    }
    out.name("renewable").boolean(true).name("ttl").integer(left_of(lease)).end_object();
    co_return enveloped(entry, data);
}

Answered renew(LeaseRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto wish, parse_wish(body));
    GH_CO_TRY(auto lease,
              co_await find_for(room, entry, std::move(wish.lease), "sys/leases/renew"));
    auto record = audit::act_of(entry.call, "lease.renew", "lease");
    GH_CO_TRY(const auto renewed,
              co_await room.lessor.renew(std::move(lease), wish.increment, std::move(record)));
    co_return leased(entry, renewed, "null");
}

/// One that is none is over, as they have it.
Answered revoke(LeaseRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY(auto wish, parse_wish(body));
    const auto lease = co_await find_for(room, entry, std::move(wish.lease), "sys/leases/revoke");
    if (!lease && lease.error().reason != "lease.unknown") co_return std::unexpected(lease.error());
    if (!lease) co_return api::no_content();
    auto record = audit::act_of(entry.call, "lease.revoke", "lease");
    GH_CO_TRY_VOID(co_await room.lessor.revoke(lease->id, std::move(record)));
    co_return api::no_content();
}

std::string prefix_of(const Entry& entry) {
    auto prefix = path_of(entry);
    if (!prefix.ends_with('/')) prefix += '/';
    return prefix;
}

Answered list_leases(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    const auto prefix = prefix_of(entry);
    GH_CO_TRY(const auto ids, co_await room.leases.ids(prefix, listed_max));
    std::vector<std::string> names;
    for (const auto& id : ids) {
        auto name = id.substr(prefix.size());
        if (const auto slash = name.find('/'); slash != name.npos) name.resize(slash + 1);
        if (names.empty() || names.back() != name) names.push_back(std::move(name));
    }
    if (names.empty()) co_return refused(404, "lease.none", {});
    co_return json(kv::text_of(names, entry.call.request_id));
}

Answered revoke_prefix(LeaseRoom& room, Entry entry, std::string_view /*body*/) {
    for (;;) {
        GH_CO_TRY(const auto ids, co_await room.leases.ids(prefix_of(entry), revoked_at_once_max));
        if (ids.empty()) co_return api::no_content();
        for (const auto& id : ids) {
            auto record = audit::act_of(entry.call, "lease.revoke", "lease");
            GH_CO_TRY_VOID(co_await room.lessor.revoke(id, std::move(record)));
        }
    }
}

Result<api::Reply> told(Error error) {
    // What a connection is wrong with, for whoever may ask for it.
    const bool theirs = error.reason.starts_with("lease.") || error.reason.starts_with("kv.") ||
                        error.reason == "rotation.connection";
    if (!theirs) return std::unexpected(std::move(error));
    if (error.kind == ErrorKind::not_found && error.reason == "lease.role")
        return refused(404, error.reason, {});
    if (error.kind == ErrorKind::permission_denied) return permission_denied(error.reason);
    if (error.kind == ErrorKind::internal || error.kind == ErrorKind::corrupt)
        return std::unexpected(std::move(error));
    return refused(400, error.reason, error.detail);
}

}  // namespace

Answered answered(LeaseRoom& room, Entry entry, std::string_view body, Handler handler) {
    auto reply = co_await handler(room, std::move(entry), body);
    if (reply) co_return reply;
    co_return told(std::move(reply).error());
}

api::Reply leased(const Entry& entry, const Lease& lease, std::string_view data) {
    std::string text;
    text.reserve(data.size() + 512);
    Writer out(text);
    out.begin_object().name("request_id").string(entry.call.request_id);
    out.name("lease_id").string(lease.id).name("renewable").boolean(true);
    out.name("lease_duration").integer(left_of(lease)).name("data").raw(data);
    out.name("wrap_info").null().name("warnings").null().name("auth").null().end_object();
    return json(text + "\n");
}

std::vector<api::Route> lease_routes(LeaseRoom& room) {
    Table table(room.vault);
    const auto add = [&](const std::string& act, Handler handler, bool is_silent,
                         const std::string& summary) {
        table.add_write("/v1/sys/leases/" + act, {.is_silent = is_silent, .is_open = true},
                        with(room, handler), summary, small_body_bytes_max);
    };
    add("lookup", look, false, "How long a lease lasts.");
    add("renew", renew, false, "Makes one last longer.");
    add("revoke", revoke, true, "Ends one; whoever it was made for is let in no more.");
    table.add("LIST", "/v1/sys/leases/lookup/{path...}",
              {.want = Want::list, .place = "sys/leases/lookup"}, with(room, list_leases),
              "Those below a path.");
    table.add("GET", "/v1/sys/leases/lookup/{path...}",
              {.want = Want::list, .place = "sys/leases/lookup"}, with(room, list_leases),
              "Those below a path.");
    table.add_write("/v1/sys/leases/revoke-prefix/{path...}",
                    {.want = Want::update, .place = "sys/leases/revoke-prefix", .is_silent = true},
                    with(room, revoke_prefix), "Ends those below a path.", small_body_bytes_max);
    return std::move(table).take();
}

}  // namespace gh::vault::leases
