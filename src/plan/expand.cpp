#include "plan/expand.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "plan/condition.hpp"
#include "plan/graph.hpp"
#include "plan/plan_repository.hpp"

namespace gh::plan {
namespace {

using codec::json::Value;
using storage::Session;
using storage::Statement;

constexpr Statement select_dependants{
    .name = "plan_dependencies.dependants",
    .sql = "SELECT step_id FROM plan_dependencies WHERE plan_id = $1 AND depends_on = $2"};
constexpr Statement insert_dependency{
    .name = "plan_dependencies.link",
    .sql = "INSERT INTO plan_dependencies (plan_id, step_id, depends_on) VALUES ($1, $2, $3)"};
constexpr Statement count_links{.name = "plan_dependencies.count",
                                .sql = "SELECT count(*) FROM plan_dependencies WHERE plan_id = $1"};
constexpr Statement count_up{
    .name = "plan_steps.count_up",
    .sql =
        "UPDATE plan_steps SET open_dependencies = open_dependencies + $3 WHERE plan_id = $1 "
        "AND id IN (SELECT step_id FROM plan_dependencies WHERE plan_id = $1 AND depends_on = $2)"};
constexpr Statement select_last{
    .name = "plan_steps.last",
    .sql = "SELECT position FROM plan_steps WHERE plan_id = $1 ORDER BY position DESC LIMIT 1"};

/// A condition with its steps named anew. As deep as conditions are.
template <class Name>
Value renamed(const Value& value, const Name& name) {
    if (const auto* items = value.array()) {
        codec::json::Array made;
        for (const auto& item : *items) made.push_back(renamed(item, name));
        return Value(Value::Storage(std::move(made)));
    }
    if (value.object() == nullptr) return value;
    codec::json::Members made;
    for (const auto& [member, inner] : *value.object()) {
        const auto* step = member == "step" ? inner.string() : nullptr;
        made.emplace_back(member, step ? Value(Value::Storage(name(*step))) : renamed(inner, name));
    }
    return Value(Value::Storage(std::move(made)));
}

}  // namespace

NewStep child_of(const std::string& parent, NewStep child) {
    const auto siblings = child.depends_on;
    if (const auto condition = codec::json::parse(child.condition); condition) {
        const auto name = [&parent, &siblings](const std::string& step) {
            const bool is_sibling = std::ranges::find(siblings, step) != siblings.end();
            return is_sibling ? parent + ":" + step : step;
        };
        child.condition.clear();
        codec::json::Writer out(child.condition);
        out.value(renamed(*condition, name));
    }
    child.id = parent + ":" + child.id;
    for (auto& on : child.depends_on) on = parent + ":" + on;
    if (child.join == Join::all || siblings.empty()) child.depends_on.push_back(parent);
    return child;
}

Task<Result<void>> expand(Session& session, Progress& progress, const Step& step,
                          std::vector<NewStep> children) {
    std::size_t own = 0;
    for (auto& child : children) {
        child = child_of(step.id, std::move(child));
        own += child.depends_on.size();
    }
    GH_CO_TRY(const auto last, co_await session.query_one(select_last, step.plan_id));
    GH_CO_TRY(const auto waiting, co_await session.query(select_dependants, step.plan_id, step.id));
    GH_CO_TRY(const auto known, co_await session.query_one(count_links, step.plan_id));
    const auto before = static_cast<std::size_t>((*known).integer(0));
    if (before + own + waiting.size() * children.size() > GraphLimits{}.edges_max)
        co_return fail(ErrorKind::conflict, "plan.too_many_dependencies");
    std::vector<storage::Parameters> links;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        for (const auto& child : children)
            links.push_back({storage::to_value(step.plan_id), storage::to_value(waiting[i].text(0)),
                             storage::to_value(child.id)});
    }
    GH_CO_TRY_VOID(co_await session.execute(count_up, step.plan_id, step.id, children.size()));
    progress.add_steps(children.size());
    StepRows rows{.plan_id = step.plan_id,
                  .steps = std::move(children),
                  .position = (*last).integer(0),
                  .parent = step.id};
    GH_CO_TRY_VOID(co_await put_steps(session, std::move(rows), progress.now()));
    if (links.empty()) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await session.execute_many(insert_dependency, std::move(links)));
    co_return Result<void>{};
}

}  // namespace gh::plan
