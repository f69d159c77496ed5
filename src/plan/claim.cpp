#include <algorithm>
#include <map>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "plan/plan_rows.hpp"
#include "plan/work_repository.hpp"
#include "storage/joined.hpp"

// How agents come to steps.

namespace gh::plan {
namespace {

using storage::joined;
using storage::Session;
using storage::Statement;

// From one set to the next by the index, however many steps want each.
constexpr Statement select_kinds{
    .name = "plan_steps.kinds",
    .sql =
        "WITH RECURSIVE kinds (needs) AS (SELECT (SELECT needs FROM plan_steps "
        "WHERE state = 'ready' ORDER BY needs LIMIT 1) UNION ALL SELECT (SELECT s.needs FROM "
        "plan_steps AS s WHERE s.state = 'ready' AND s.needs > kinds.needs ORDER BY s.needs "
        "LIMIT 1) FROM kinds WHERE kinds.needs IS NOT NULL) "
        "SELECT needs FROM kinds WHERE needs IS NOT NULL AND EXISTS (SELECT 1 FROM plan_steps AS s "
        "WHERE s.state = 'ready' AND s.needs = kinds.needs AND s.available_at <= $2) LIMIT $1"};
constexpr Statement select_next_kind{
    .name = "plan_steps.next_kind",
    .sql =
        "SELECT needs FROM plan_steps WHERE state = 'ready' AND needs >= $1 ORDER BY needs LIMIT "
        "1"};
constexpr Statement select_ready{
    .name = "plan_steps.ready",
    .sql =
        "SELECT available_at, plan_id, position, id FROM plan_steps WHERE state = 'ready' "
        "AND needs = $1 AND available_at <= $2 ORDER BY available_at, plan_id, position LIMIT $3"};
constexpr Statement insert_attempt{
    .name = "plan_attempts.create",
    .sql =
        "INSERT INTO plan_attempts (lease, plan_id, step_id, number, agent_id, state, started_at) "
        "VALUES ($1, $2, $3, $4, $5, 'running', $6)"};
constexpr Statement delete_attempt{.name = "plan_attempts.take_back",
                                   .sql = "DELETE FROM plan_attempts WHERE lease = $1"};
constexpr Statement take_attempt_back{
    .name = "plan_steps.take_back",
    .sql = "UPDATE plan_steps SET attempts = $3 WHERE plan_id = $1 AND id = $2"};
constexpr Statement select_inputs{
    .name = "plan_dependencies.inputs",
    .sql =
        "SELECT s.id, s.state, s.reference, s.confidence, s.quality, s.result IS NOT NULL "
        "FROM plan_dependencies AS d CROSS JOIN plan_steps AS s WHERE d.plan_id = $1 "
        "AND d.step_id = $2 AND s.plan_id = d.plan_id AND s.id = d.depends_on ORDER BY s.position"};
constexpr Statement select_reader{
    .name = "plan_dependencies.reader",
    .sql =
        "SELECT 1 FROM plan_steps AS s WHERE s.agent_id = $1 AND s.state = 'running' "
        "AND s.plan_id = $2 AND (s.id = $3 OR EXISTS (SELECT 1 FROM plan_dependencies AS d "
        "WHERE d.plan_id = $2 AND d.depends_on = $3 AND d.step_id = s.id)) LIMIT 1"};

bool has_all(const std::vector<std::string>& sorted, std::string_view needs) {
    const auto words = words_of(needs);
    return std::ranges::includes(sorted, words);
}

Task<Result<std::vector<std::string>>> read_kinds(Session& session, SystemTime now) {
    GH_CO_TRY(const auto rows,
              co_await session.query(select_kinds, WorkRepository::kinds_max, now));
    std::vector<std::string> kinds;
    for (std::size_t i = 0; i < rows.size(); ++i) kinds.push_back(rows[i].text(0));
    co_return kinds;
}

/// Where a step stands that somebody may have, in the order in which they are given out.
struct Candidate {
    SystemTime available_at;
    std::string plan_id;
    std::int64_t position = 0;
    std::string id;
    friend auto operator<=>(const Candidate&, const Candidate&) = default;
};

/// The sets behind `last` that this agent has, from one to the next by the index: what nobody has is stepped over, however
/// many sets that is.
Task<Result<void>> add_kinds_behind(Session& session, const std::vector<std::string>& capabilities,
                                    std::string last, std::vector<std::string>& kinds) {
    auto from = next_within(capabilities, last);
    while (from) {
        GH_CO_TRY(const auto row, co_await session.query_one(select_next_kind, *from));
        if (!row) break;
        const auto needs = (*row).text(0);
        if (has_all(capabilities, needs)) kinds.push_back(needs);
        from = next_within(capabilities, needs);
    }
    co_return Result<void>{};
}

Task<Result<std::vector<Candidate>>> candidates(Session& session, Claim claim, SystemTime now) {
    std::ranges::sort(claim.capabilities);
    GH_CO_TRY(auto kinds, co_await read_kinds(session, now));
    const bool are_all = kinds.size() < WorkRepository::kinds_max;
    auto last = are_all ? std::string() : kinds.back();
    std::erase_if(kinds,
                  [&claim](const auto& needs) { return !has_all(claim.capabilities, needs); });
    if (!are_all)
        GH_CO_TRY_VOID(
            co_await add_kinds_behind(session, claim.capabilities, std::move(last), kinds));
    std::vector<Candidate> found;
    for (const auto& needs : kinds) {
        GH_CO_TRY(const auto rows, co_await session.query(select_ready, needs, now, claim.max));
        for (std::size_t i = 0; i < rows.size(); ++i)
            found.push_back({.available_at = rows[i].time(0),
                             .plan_id = rows[i].text(1),
                             .position = rows[i].integer(2),
                             .id = rows[i].text(3)});
    }
    std::ranges::sort(found);
    if (found.size() > claim.max) found.resize(claim.max);
    co_return found;
}

Task<Result<std::vector<Input>>> inputs_of(Session& session, std::string plan_id,
                                           std::string step_id) {
    GH_CO_TRY(const auto rows,
              co_await session.query(select_inputs, std::move(plan_id), std::move(step_id)));
    std::vector<Input> inputs;
    inputs.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = rows[i];
        Input input{.step_id = row.text(0),
                    .state = step_state_of(row.text(1)).value_or(StepState::failed),
                    .reference = row.optional_text(2),
                    .confidence = {},
                    .quality = {},
                    .has_result = row.boolean(5)};
        if (!row.is_null(3)) input.confidence = row.number(3);
        if (!row.is_null(4)) input.quality = row.number(4);
        inputs.push_back(std::move(input));
    }
    co_return inputs;
}

Task<Result<Claimed>> take(Session& session, Progress& progress, Step step, std::string agent_id,
                           milliseconds length) {
    const auto now = progress.now();
    Claimed claimed{.step = std::move(step), .plan_trace = progress.plan().trace, .inputs = {}};
    auto& mine = claimed.step;
    mine.lease = view(uuid_v4());
    mine.agent_id = std::move(agent_id);
    ++mine.attempts;
    mine.started_at = now;
    mine.deadline_at.reset();
    if (mine.timeout > milliseconds(0)) mine.deadline_at = now + mine.timeout;
    mine.lease_expires_at = std::min(now + length, mine.deadline_at.value_or(now + length));
    GH_CO_TRY_VOID(co_await progress.run(mine));
    mine.state = StepState::running;
    GH_CO_TRY_VOID(co_await session.execute(insert_attempt, mine.lease, mine.plan_id, mine.id,
                                            mine.attempts, mine.agent_id, now));
    GH_CO_TRY(claimed.inputs, co_await inputs_of(session, mine.plan_id, mine.id));
    co_return claimed;
}

Task<Result<Claims>> put_claim(Session& session, Claim claim, WorkRules rules, SystemTime now) {
    if (claim.admit) GH_CO_TRY_VOID(co_await claim.admit(session, claim.agent_id));
    GH_CO_TRY(auto found, co_await candidates(session, claim, now));
    // In the order of their ids, so that no two lock plans of each other.
    std::map<std::string, std::vector<std::string>> by_plan;
    for (auto& each : found) by_plan[each.plan_id].push_back(std::move(each.id));
    Claims claims;
    for (auto& [plan_id, steps] : by_plan) {
        GH_CO_TRY(auto progress, co_await Progress::open(session, plan_id, now));
        for (const auto& id : steps) {
            GH_CO_TRY(auto step, co_await read_step(session, plan_id, id));
            GH_CO_TRY(auto claimed, co_await take(session, progress, std::move(step),
                                                  claim.agent_id, rules.lease));
            claims.steps.push_back(std::move(claimed));
        }
        GH_CO_TRY_VOID(co_await progress.close());
        claims.stirs.push_back(progress.stir());
    }
    co_return claims;
}

Task<Result<std::vector<Stir>>> put_back(Session& session, std::vector<Claimed> unheard,
                                         SystemTime now) {
    std::vector<Stir> stirs;
    for (const auto& claimed : unheard) {
        GH_CO_TRY(auto progress, co_await Progress::open(session, claimed.step.plan_id, now));
        GH_CO_TRY(auto step, co_await read_step(session, claimed.step.plan_id, claimed.step.id));
        if (step.state != StepState::running || step.lease != claimed.step.lease) continue;
        GH_CO_TRY_VOID(co_await session.execute(delete_attempt, step.lease));
        GH_CO_TRY_VOID(
            co_await session.execute(take_attempt_back, step.plan_id, step.id, step.attempts - 1));
        GH_CO_TRY_VOID(
            co_await progress.release(std::move(step), now, "its agent had gone before it had it"));
        GH_CO_TRY_VOID(co_await progress.close());
        stirs.push_back(progress.stir());
    }
    co_return stirs;
}

}  // namespace

// ' ' comes before all that stands in a word: sets lie as the words of a tree do.
std::optional<std::string> next_within(const std::vector<std::string>& sorted,
                                       std::string_view needs) {
    const auto words = words_of(needs);
    const auto next_to = [&sorted](std::string_view word) {
        return std::ranges::upper_bound(sorted, word);
    };
    std::size_t had = 0;
    while (had < words.size() && std::ranges::binary_search(sorted, words[had])) ++had;
    if (had == words.size()) {
        const auto more = words.empty() ? sorted.begin() : next_to(words.back());
        if (more != sorted.end()) return words.empty() ? *more : std::string(needs) + " " + *more;
    }
    for (auto i = std::min(had + 1, words.size()); i-- > 0;) {
        const auto other = next_to(words[i]);
        if (other == sorted.end()) continue;
        std::string from;
        for (std::size_t k = 0; k < i; ++k) from += words[k] + " ";
        return from + *other;
    }
    return {};
}

Task<Result<std::vector<std::string>>> WorkRepository::wanted(SystemTime now) {
    auto work = [now](Session& session) { return read_kinds(session, now); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Claims>> WorkRepository::claim(Claim claim, SystemTime now) {
    auto work = [claim = std::move(claim), rules = rules_, now](Session& session) {
        return put_claim(session, claim, rules, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<bool>> WorkRepository::may_read(std::string agent_id, std::string plan_id,
                                            std::string step_id) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_reader, std::move(agent_id),
                                                        std::move(plan_id), std::move(step_id)));
    co_return !rows.empty();
}

Task<Result<std::vector<Stir>>> WorkRepository::put_back(std::vector<Claimed> unheard,
                                                         SystemTime now) {
    auto work = [unheard = std::move(unheard), now](Session& session) {
        return plan::put_back(session, unheard, now);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::plan
