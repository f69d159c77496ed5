#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/paging.hpp"
#include "api/types.hpp"
#include "app/kill_house.hpp"
#include "audit/act.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "identity/rights.hpp"
#include "net/loop.hpp"

namespace gh::app {
namespace {

using access::Access;
using access::Permission;
using access::Target;
using api::Object;

constexpr std::size_t reason_characters_max = 500;

struct KillWish {
    std::optional<std::string> agent;
    std::optional<Target> principal;
    std::string reason;
    bool dry_run = false;
};

const api::Type<Target>& target_type() {
    static const auto type = api::mapped<std::string, Target>(
        api::text({.length_max = access::target_bytes_max}),
        [](const std::string& text) { return access::target_of(text); },
        [](const Target& target) { return access::text_of(target); },
        "user:NAME, service:NAME, api_key:ID or agent:ID");
    return type;
}

const api::Type<KillWish>& wish_type() {
    using W = KillWish;
    static const auto type =
        Object<W>("KillWish", "Whom to end.")
            .optional("agent", &W::agent, api::maybe(api::text({.length_max = 64})),
                      "The id of an agent.")
            .optional("principal", &W::principal, api::maybe(target_type()),
                      "Instead: user:NAME, service:NAME, api_key:ID or agent:ID.")
            .required("reason", &W::reason, api::text({.length_max = reason_characters_max}),
                      "Why: it is in the receipt and in the audit log.")
            .optional("dry_run", &W::dry_run, api::boolean(), "Only say what would end.")
            .check([](api::Reader& reader, const W& wish) {
                if (wish.agent.has_value() != wish.principal.has_value()) return;
                const auto step = reader.enter("principal");
                reader.refuse("invalid", "Either agent or principal.");
            })
            .type();
    return type;
}

api::Type<std::int64_t> count_type() {
    return api::integer_64(0, std::numeric_limits<std::int64_t>::max());
}

const api::Type<KillItem>& item_type() {
    using I = KillItem;
    static const auto type =
        Object<I>("KillItem", "What it had of one kind.")
            .required("plane", &I::plane, api::text(), "Who holds it: certificates, messages, ...")
            .required("kind", &I::kind, api::text(), "Such as refresh_tokens.")
            .required("ended", &I::ended, count_type(), "How many have ended.")
            .required("left", &I::left, count_type(), "How many were there afterwards.")
            .type();
    return type;
}

const api::Type<KillSighting>& node_type() {
    using S = KillSighting;
    static const auto type =
        Object<S>("KillSighting", "What one node has seen.")
            .required("node", &S::node, api::text({.length_max = 512}), "Its host and its start.")
            .required("open_before", &S::open_before, count_type(),
                      "Requests, streams and tunnels of the principal.")
            .required("open_after", &S::open_after, count_type(), "Those still open.")
            .required("refused", &S::refused, api::boolean(), "It refuses credentials from before.")
            .required("seen_at", &S::at, api::nullable(api::time()), "null: it has not answered.")
            .required("silent_since", &S::silent_since, api::nullable(api::time()),
                      "Of one that has not answered: when it was last heard of.")
            .type();
    return type;
}

/// As clients read it.
struct Receipt {
    std::optional<std::string> id;
    Target principal;
    std::string reason, made_by;
    SystemTime made_at;
    bool dry_run = false, complete = false;
    std::optional<std::int64_t> duration_ms;
    std::vector<KillItem> held;
    std::vector<KillSighting> nodes;
};

const api::Type<Receipt>& receipt_type() {
    using R = Receipt;
    static const auto type =
        Object<R>("KillReceipt", "What was ended of a principal, and what was observed of it.")
            .optional("id", &R::id, api::maybe(api::text()), "A UUID; of a dry run there is none.")
            .required("principal", &R::principal, target_type(), "Whom.")
            .required("reason", &R::reason, api::text({.length_max = reason_characters_max}),
                      "As it was given.")
            .required("made_by", &R::made_by, api::text({.length_max = 1'024}), "By whom.")
            .required("made_at", &R::made_at, api::time(), "When.")
            .required("dry_run", &R::dry_run, api::boolean(), "Nothing was ended.")
            .required("complete", &R::complete, api::boolean(),
                      "Nothing is left, and every node that runs has seen it.")
            .required("duration_ms", &R::duration_ms, api::nullable(count_type()),
                      "Until that was observed; null: nobody has looked.")
            .required("held", &R::held, api::list_of(item_type()), "By plane and kind.")
            .required("nodes", &R::nodes, api::list_of(node_type()), "Those that run.")
            .type();
    return type;
}

const api::Type<api::Items<Receipt>>& receipt_page_type() {
    static const auto type = api::page_of("KillReceiptPage", receipt_type());
    return type;
}

Receipt receipt_of(const Kill& kill) {
    Receipt receipt{.id = kill.id,
                    .principal = kill.target,
                    .reason = kill.reason,
                    .made_by = kill.made_by,
                    .made_at = kill.made_at,
                    .dry_run = false,
                    .complete = kill.complete,
                    .duration_ms = {},
                    .held = kill.held,
                    .nodes = kill.nodes};
    if (kill.took) receipt.duration_ms = kill.took->count();
    return receipt;
}

Task<Result<api::Reply>> rehearse(KillRoom& room, KillSwitch::Order order) {
    GH_CO_TRY(const auto kill, co_await room.breaker.look(std::move(order)));
    auto receipt = receipt_of(kill);
    receipt.id.reset();
    receipt.dry_run = true;
    co_return api::reply(200, receipt_type(), receipt);
}

/// It is done: whatever fails from here on, who asked hears what has ended.
Task<Kill> observe(KillRoom& room, Kill ended, KillWatch::Seen seen, SteadyTime began) {
    std::vector<KillWatch::Seen> here;
    here.push_back(std::move(seen));
    auto finished = co_await room.watch.finish(std::move(here));
    auto observed = co_await room.breaker.observe(ended, began);
    if (finished && observed) co_return *std::move(observed);
    room.log.error("app", "what a kill has ended could not be looked at")
        .field("kill", ended.id)
        .error(finished ? observed.error() : finished.error());
    if (observed) ended = *std::move(observed);
    ended.complete = ended.complete && finished;
    co_return ended;
}

Result<api::Reply> refused_by_rules(const api::Call& call, Result<api::Reply> reply) {
    if (reply) return reply;
    const auto& reason = reply.error().reason;
    if (reason == "user.last_admin")
        return api::refusal(call, 409, reason,
                            "It is the last one who can administer: make another one first.");
    if (reason == "role.above_own")
        return api::refusal(call, 403, reason, "What it may do is more than you may.");
    return reply;
}

Task<Result<api::Reply>> kill(KillRoom& room, api::Call call, KillWish wish) {
    auto& loop = *net::Loop::current();
    const auto began = loop.now();
    KillSwitch::Order order{
        .id = std::string(view(uuid_v7(std::chrono::system_clock::now()))),
        .target = {},
        .reason = std::move(wish.reason),
        .made_by = std::string(name_of(call.principal.type)) + ":" + call.principal.subject,
        .may = [giver = call.principal, roles = room.roles.current()](const access::Rights& held) {
            return identity::may_hand_out(giver, {held.roles, held.scopes}, *roles,
                                          Permission::keys_write);
        }};
    if (wish.principal) order.target = *std::move(wish.principal);
    if (wish.agent)
        order.target = {.type = access::PrincipalType::agent, .name = *std::move(wish.agent)};
    if (wish.dry_run) co_return refused_by_rules(call, co_await rehearse(room, std::move(order)));
    // Nobody would be left to read the answer.
    if (access::is_of(order.target, call.principal, call.certificate))
        co_return api::refusal(call, 409, "kill.oneself", "Somebody else is to end you.");
    auto seen = co_await room.watch.take(order.id, order.target);
    auto record = audit::act_of(call, "principal.kill", "principal");
    auto ended = co_await room.breaker.end(std::move(order), std::move(record));
    if (!ended) co_return refused_by_rules(call, std::unexpected(std::move(ended).error()));
    seen.kill = *ended;
    const auto observed = co_await observe(room, *std::move(ended), std::move(seen), began);
    co_return api::created("/api/v1/kill-switch/" + observed.id, receipt_type(),
                           receipt_of(observed));
}

Task<Result<api::Reply>> show(KillRoom& room, api::Call call) {
    GH_CO_TRY(const auto found, co_await room.breaker.find(std::string(call.param("receipt"))));
    co_return api::reply(200, receipt_type(), receipt_of(found));
}

struct KillQuery : api::Page {
    std::optional<Target> principal;
};

const Object<KillQuery>& kill_query() {
    static const auto table = [] {
        Object<KillQuery> query("KillQuery", "Which receipts.");
        api::add_page(query, "kills", 2);
        query.optional("principal", &KillQuery::principal, api::maybe(target_type()),
                       "Only those of it.");
        return query;
    }();
    return table;
}

Task<Result<api::Reply>> list(KillRoom& room, api::Call /*call*/, KillQuery query) {
    KillPage page{.limit = query.limit + std::size_t{1},
                  .offset = static_cast<std::size_t>(query.offset),
                  .after = {},
                  .principal = {}};
    if (query.principal) page.principal = access::text_of(*query.principal);
    if (query.after) {
        GH_CO_TRY(const auto at, api::time_of_key(query.after->front()));
        page.after = {at, query.after->back()};
    }
    GH_CO_TRY(auto found, co_await room.breaker.records().list(std::move(page)));
    api::Items<Receipt> items;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        const auto& last = found.back();
        items.next_cursor = api::encode_cursor("kills", {api::key_of_time(last.made_at), last.id});
    }
    for (const auto& each : found) items.items.push_back(receipt_of(each));
    co_return api::reply(200, receipt_page_type(), items);
}

}  // namespace

std::vector<api::Route> kill_routes(KillRoom& room) {
    return {{.method = "POST",
             .path = "/api/v1/kill-switch",
             .access = Access::permission(Permission::kill_write),
             .handle = api::with(room, kill, api::json_body(wish_type())),
             .summary = "Ends all that a principal has, on every node, and says what it observed.",
             .answers = {api::answers(201, "The receipt.", receipt_type()),
                         api::answers(200, "What would end.", receipt_type())},
             .body_bytes_max = 8 * 1024},
            {.method = "GET",
             .path = "/api/v1/kill-switch",
             .access = Access::permission(Permission::kill_write),
             .handle = api::with(room, list, api::query(kill_query())),
             .summary = "Receipts, the newest first.",
             .answers = {api::answers(200, "A page of them.", receipt_page_type())}},
            {.method = "GET",
             .path = "/api/v1/kill-switch/{receipt}",
             .access = Access::permission(Permission::kill_write),
             .handle = api::with(room, show),
             .summary = "One receipt.",
             .answers = {api::answers(200, "The receipt.", receipt_type())}}};
}

}  // namespace gh::app
