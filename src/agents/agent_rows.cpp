#include "agents/agent_rows.hpp"

#include <utility>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "storage/joined.hpp"

namespace gh::agents {
namespace {

constexpr std::string_view by_id = "id = $1";
constexpr storage::Statement select_one{.name = "agents.find",
                                        .sql = storage::joined<agent_columns, by_id>};

Labels labels_of_text(std::string_view text) {
    Labels labels;
    const auto read = codec::json::parse(text);
    if (!read || !read->object()) return labels;
    for (const auto& [name, value] : *read->object()) {
        if (const auto* word = value.string()) labels.emplace(name, *word);
    }
    return labels;
}

std::vector<std::string> words_of_text(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    return words;
}

}  // namespace

Agent agent_of(const storage::Row& row) {
    Agent agent;
    agent.id = row.text(0);
    agent.hostname = row.text(1);
    agent.ip_address = row.text(2);
    agent.labels = labels_of_text(row.text(3));
    agent.capabilities = words_of_text(row.text(4));
    agent.agent_version = row.text(5);
    agent.status = status_of(row.text(6)).value_or(Status::retired);
    agent.enrolment = row.text(7);
    agent.last_heartbeat_at = row.optional_time(8);
    agent.version = row.integer(9);
    agent.created_by = row.text(10);
    agent.created_at = row.time(11);
    agent.updated_at = row.time(12);
    return agent;
}

std::string text_of_labels(const Labels& labels) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object();
    for (const auto& [name, value] : labels) out.name(name).string(value);
    out.end_object();
    return text;
}

std::string text_of_words(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

Task<Result<Agent>> read_agent(storage::Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "agent.unknown");
    co_return agent_of(*row);
}

}  // namespace gh::agents
