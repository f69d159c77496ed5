#include "app/kill_switch.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <utility>

#include "audit/log.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "plan/clock.hpp"

namespace gh::app {
namespace {

using access::Revocable;
using access::Target;
using access::Whom;
using storage::Session;
using Planes = std::vector<Revocable*>;

constexpr milliseconds look_first{20}, look_most{80};
constexpr int ends_max = 3;  // that bring nothing
constexpr seconds observed_within{30};

Task<Result<Target>> resolve(Session& session, const Planes& planes, Target target) {
    for (auto* plane : planes) {
        GH_CO_TRY(auto found, co_await plane->find(session, target));
        if (found) co_return *std::move(found);
    }
    co_return fail(ErrorKind::not_found, "kill.unknown", "there is no such principal here");
}

/// By all that it is called now: a key that came in between has a name of its own.
Task<Result<Whom>> named(Session& session, const Planes& planes, Target target) {
    Whom whom{.target = target, .names = access::own_names(target)};
    for (auto* plane : planes) {
        GH_CO_TRY(auto names, co_await plane->names(session, target));
        std::ranges::move(names, std::back_inserter(whom.names));
    }
    co_return whom;
}

Task<Result<void>> judge(Session& session, const Planes& planes, Target target,
                         std::function<bool(const access::Rights&)> may, SystemTime now) {
    if (!may) co_return Result<void>{};
    for (auto* plane : planes) {
        GH_CO_TRY(const auto rights, co_await plane->rights(session, target, now));
        if (!std::ranges::all_of(rights, may))
            co_return fail(ErrorKind::permission_denied, "role.above_own");
    }
    co_return Result<void>{};
}

Task<Result<std::vector<KillItem>>> look_at_all(Session& session, const Planes& planes, Whom whom,
                                                SystemTime now) {
    std::vector<KillItem> all;
    for (auto* plane : planes) {
        GH_CO_TRY(auto held, co_await plane->look(session, whom, now));
        for (auto& each : held)
            all.push_back({.plane = std::string(plane->plane()),
                           .kind = std::move(each.kind),
                           .ended = 0,
                           .left = each.count});
    }
    co_return all;
}

/// When it is, once nobody else can act: the database's clock, for all nodes have that one.
Task<Result<SystemTime>> lock_all(Session& session, const Planes& planes) {
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    for (auto* plane : planes) GH_CO_TRY_VOID(co_await plane->lock(session));
    co_return co_await plan::time_of(session);
}

/// Before this all that it has was made: by this machine's clock, too, which may be ahead.
SystemTime end_of_all(SystemTime now) { return std::max(now, std::chrono::system_clock::now()); }

Task<Result<void>> end_all(Session& session, const Planes& planes, Whom whom, SystemTime now) {
    for (auto* plane : planes) GH_CO_TRY_VOID(co_await plane->end(session, whom, now));
    co_return Result<void>{};
}

/// A server's user that is being ended is its clerk's.
bool ends_by_itself(const KillItem& item) { return item.kind == "ending"; }

/// What was there before and is not any more, has ended: by us, or where it ends by itself.
void count_ended(std::vector<KillItem>& held, const std::vector<KillItem>& before, bool by_us) {
    for (auto& item : held) {
        const auto was = std::ranges::find_if(before, [&item](const KillItem& each) {
            return each.plane == item.plane && each.kind == item.kind;
        });
        if (was == before.end()) continue;
        const bool counts = by_us || ends_by_itself(item);
        item.ended = was->ended;
        if (counts) item.ended += std::max<std::int64_t>(0, was->left - item.left);
    }
}

audit::Record told_of(audit::Record record, const Kill& kill) {
    record.object_type = std::string(name_of(kill.target.type));
    record.object_id = kill.target.name;
    record.severity = audit::Severity::high;
    record.details = {{"kill", kill.id}, {"reason", kill.reason}};
    for (const auto& item : kill.held) {
        if (item.ended > 0) record.details.push_back({item.plane + "." + item.kind, item.ended});
    }
    return record;
}

Kill kill_of(KillSwitch::Order order, Target target, SystemTime now) {
    return {.id = std::move(order.id),
            .target = std::move(target),
            .reason = std::move(order.reason),
            .made_by = std::move(order.made_by),
            .made_at = now,
            .held = {},
            .nodes = {},
            .complete = false,
            .took = {}};
}

Task<Result<Kill>> put_end(Session& session, const Planes& planes, KillSwitch::Order order,
                           audit::Record record) {
    GH_CO_TRY(const auto now, co_await lock_all(session, planes));
    const auto end = end_of_all(now);
    GH_CO_TRY(auto target, co_await resolve(session, planes, order.target));
    GH_CO_TRY_VOID(co_await judge(session, planes, target, order.may, end));
    GH_CO_TRY(const auto whom, co_await named(session, planes, target));
    auto kill = kill_of(std::move(order), std::move(target), now);
    GH_CO_TRY(const auto before, co_await look_at_all(session, planes, whom, end));
    GH_CO_TRY_VOID(co_await end_all(session, planes, whom, end));
    GH_CO_TRY(kill.held, co_await look_at_all(session, planes, whom, end));
    count_ended(kill.held, before, true);
    GH_CO_TRY_VOID(co_await KillRecords::put(session, kill));
    auto told = told_of(std::move(record), kill);
    GH_CO_TRY_VOID(co_await audit::Log::append(session, std::move(told)));
    co_return kill;
}

Task<Result<Kill>> rehearse(Session& session, const Planes& planes, KillSwitch::Order order) {
    GH_CO_TRY(const auto now, co_await plan::time_of(session));
    GH_CO_TRY(auto target, co_await resolve(session, planes, order.target));
    GH_CO_TRY_VOID(co_await judge(session, planes, target, order.may, now));
    GH_CO_TRY(auto whom, co_await named(session, planes, target));
    auto kill = kill_of(std::move(order), std::move(target), now);
    GH_CO_TRY(kill.held, co_await look_at_all(session, planes, std::move(whom), now));
    co_return kill;
}

Task<Result<std::vector<KillItem>>> look_again(Session& session, const Planes& planes,
                                               Target target) {
    GH_CO_TRY(const auto now, co_await plan::time_of(session));
    GH_CO_TRY(auto whom, co_await named(session, planes, std::move(target)));
    co_return co_await look_at_all(session, planes, std::move(whom), now);
}

/// @param held  what has ended before
Task<Result<std::vector<KillItem>>> put_again(Session& session, const Planes& planes, Target target,
                                              std::vector<KillItem> held) {
    GH_CO_TRY(const auto now, co_await lock_all(session, planes));
    const auto end = end_of_all(now);
    GH_CO_TRY(const auto whom, co_await named(session, planes, std::move(target)));
    GH_CO_TRY(auto before, co_await look_at_all(session, planes, whom, end));
    count_ended(before, held, false);
    GH_CO_TRY_VOID(co_await end_all(session, planes, whom, end));
    GH_CO_TRY(auto after, co_await look_at_all(session, planes, whom, end));
    count_ended(after, before, true);
    co_return after;
}

/// How much is left that a call could end.
std::int64_t rest_of(const std::vector<KillItem>& held) {
    std::int64_t rest = 0;
    for (const auto& item : held) rest += ends_by_itself(item) ? 0 : item.left;
    return rest;
}

bool nothing_left(const std::vector<KillItem>& held) {
    return std::ranges::all_of(held, [](const auto& each) { return each.left == 0; });
}

}  // namespace

void KillSwitch::tell_rooms(const Kill& kill) {
    for (auto* plane : planes_) plane->ended(kill.target, kill.made_at);
}

Task<Result<Kill>> KillSwitch::end(Order order, audit::Record record) {
    auto work = [this, order = std::move(order), record = std::move(record)](Session& session) {
        return put_end(session, planes_, order, record);
    };
    GH_CO_TRY(auto kill, co_await database_.write(std::move(work)));
    tell_rooms(kill);
    co_return kill;
}

Task<Result<Kill>> KillSwitch::look(Order order) {
    auto work = [this, order = std::move(order)](Session& session) {
        return rehearse(session, planes_, order);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<void>> KillSwitch::end_again(Kill& kill) {
    auto work = [this, target = kill.target, held = kill.held](Session& session) {
        return put_again(session, planes_, target, held);
    };
    GH_CO_TRY(kill.held, co_await database_.write(std::move(work)));
    tell_rooms(kill);
    co_return Result<void>{};
}

Task<Result<void>> KillSwitch::read_held(Kill& kill) {
    auto work = [this, target = kill.target](Session& session) {
        return look_again(session, planes_, target);
    };
    GH_CO_TRY(auto held, co_await database_.read(std::move(work)));
    count_ended(held, kill.held, false);
    kill.held = std::move(held);
    co_return Result<void>{};
}

Task<Result<bool>> KillSwitch::read_nodes(Kill& kill) {
    GH_CO_TRY(kill.nodes, co_await records_.sightings(kill.id));
    co_return std::ranges::all_of(kill.nodes, [](const KillSighting& each) {
        return each.at && each.open_after == 0 && each.refused;
    });
}

Task<Result<Kill>> KillSwitch::observe(Kill kill, SteadyTime began) {
    auto& loop = *net::Loop::current();
    const auto deadline = loop.now() + patience;
    bool ended_since = false;  // all was, after every node had answered
    int in_vain = 0;
    for (auto pause = look_first;; pause = std::min(2 * pause, look_most)) {
        // What a node still works on comes to the database before it says that nothing is open: it is asked first.
        GH_CO_TRY(const bool seen, co_await read_nodes(kill));
        const bool late = loop.now() >= deadline;
        const auto rest = rest_of(kill.held);
        // At the end in any case: one node that is silent keeps nobody's work under way.
        const bool again =
            ((seen || late) && !ended_since) || (!late && rest > 0 && in_vain < ends_max);
        if (again) {
            GH_CO_TRY_VOID(co_await end_again(kill));
            ended_since = ended_since || seen;
            if (rest_of(kill.held) >= rest) ++in_vain;
        } else if (seen || late) {
            GH_CO_TRY_VOID(co_await read_held(kill));
        }
        kill.complete = seen && ended_since && nothing_left(kill.held);
        if (kill.complete || late) break;
        const bool quick = rest_of(kill.held) > 0 && rest_of(kill.held) < rest;
        if (!quick) co_await net::Sleep(loop, pause);
    }
    kill.took = std::chrono::duration_cast<milliseconds>(loop.now() - began);
    GH_CO_TRY_VOID(co_await records_.settle(kill));
    co_return kill;
}

Task<Result<Kill>> KillSwitch::find(std::string id) {
    GH_CO_TRY(auto kill, co_await records_.find(std::move(id)));
    GH_CO_TRY(const auto now, co_await records_.time());
    // Whoever observes it keeps it.
    if (kill.complete || (!kill.took && now < kill.made_at + observed_within)) co_return kill;
    GH_CO_TRY(const bool seen, co_await read_nodes(kill));
    if (!seen) co_return kill;
    // Only looked at: whom it was for may have been let in again.
    auto now_over = kill;
    GH_CO_TRY_VOID(co_await read_held(now_over));
    if (!nothing_left(now_over.held)) co_return kill;
    now_over.complete = true;
    const auto since = std::chrono::duration_cast<milliseconds>(now - kill.made_at);
    now_over.took = kill.took.value_or(since);
    GH_CO_TRY_VOID(co_await records_.settle(now_over));
    co_return now_over;
}

}  // namespace gh::app
