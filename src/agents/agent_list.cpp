#include <utility>

#include "agents/agent_repository.hpp"
#include "agents/agent_rows.hpp"
#include "base/try.hpp"
#include "storage/joined.hpp"

// The pages of a list: behind $1, $2, be it before the first of all.

namespace gh::agents {
namespace {

using storage::Statement;
using Order = AgentPage::Order;

constexpr std::string_view whoever = "status <> $5 AND ";
constexpr std::string_view of_status = "status = $5 AND ";
constexpr std::string_view any_label;
constexpr std::string_view with_label =
    "id IN (SELECT agent_id FROM agent_labels WHERE name = $6 AND value = $7) AND ";
constexpr std::string_view by_hostname =
    "(hostname, id) > ($1, $2) ORDER BY hostname, id LIMIT $3 OFFSET $4";
constexpr std::string_view by_hostname_back =
    "(hostname, id) < ($1, $2) ORDER BY hostname DESC, id DESC LIMIT $3 OFFSET $4";
constexpr std::string_view oldest =
    "(created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3 OFFSET $4";
constexpr std::string_view newest =
    "(created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4";

template <const std::string_view& who, const std::string_view& label, const std::string_view& order>
constexpr Statement page_of{.name = "agents.list",
                            .sql = storage::joined<agent_columns, who, label, order>};

template <const std::string_view& who, const std::string_view& label>
const Statement& in_order(Order order) {
    switch (order) {
        case Order::by_hostname: return page_of<who, label, by_hostname>;
        case Order::by_hostname_back: return page_of<who, label, by_hostname_back>;
        case Order::oldest: return page_of<who, label, oldest>;
        case Order::newest: break;
    }
    return page_of<who, label, newest>;
}

const Statement& statement_of(const AgentPage& page) {
    if (page.status)
        return page.label ? in_order<of_status, with_label>(page.order)
                          : in_order<of_status, any_label>(page.order);
    return page.label ? in_order<whoever, with_label>(page.order)
                      : in_order<whoever, any_label>(page.order);
}

/// Where the page begins. Hostnames are printable ASCII, and so are ids.
std::pair<storage::Value, std::string> start_of(const AgentPage& page) {
    const bool back = page.order == Order::by_hostname_back || page.order == Order::newest;
    const bool named = page.order == Order::by_hostname || page.order == Order::by_hostname_back;
    if (named) {
        auto name = page.after_hostname.value_or(back ? "~" : "");
        return {storage::to_value(std::move(name)), page.after_id};
    }
    const auto edge = back ? SystemTime::max() : SystemTime::min();
    return {storage::to_value(page.after_time.value_or(edge)), page.after_id};
}

}  // namespace

Task<Result<std::vector<Agent>>> AgentRepository::list(AgentPage page) {
    auto [key, id] = start_of(page);
    storage::Parameters parameters{
        std::move(key), storage::to_value(std::move(id)), storage::to_value(page.limit),
        storage::to_value(page.offset),
        storage::to_value(name_of(page.status.value_or(Status::retired)))};
    if (page.label) {
        parameters.push_back(storage::to_value(page.label->first));
        parameters.push_back(storage::to_value(page.label->second));
    }
    GH_CO_TRY(const auto rows,
              co_await database_.run_one(statement_of(page), std::move(parameters)));
    std::vector<Agent> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(agent_of(rows[i]));
    co_return found;
}

}  // namespace gh::agents
