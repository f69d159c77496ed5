#pragma once

// What the tables of this room's routes have in common.

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/agent.hpp"
#include "agents/room.hpp"
#include "agents/threat.hpp"
#include "api/reply.hpp"
#include "api/types.hpp"
#include "audit/act.hpp"
#include "base/error.hpp"

namespace gh::agents {

[[nodiscard]] const api::Type<std::string>& hostname_type();
[[nodiscard]] const api::Type<std::string>& ip_address_type();
[[nodiscard]] const api::Type<std::string>& word_type();
[[nodiscard]] const api::Type<std::string>& agent_version_type();
[[nodiscard]] const api::Type<std::vector<std::string>>& capabilities_type();
[[nodiscard]] const api::Type<Labels>& labels_type();
[[nodiscard]] const api::Type<Status>& status_type();
[[nodiscard]] const api::Type<Severity>& severity_type();
[[nodiscard]] const api::Type<ThreatStatus>& threat_status_type();
/// A JSON object, kept as it is read: at most `threat_details_bytes_max`.
[[nodiscard]] const api::Type<std::string>& details_type();
[[nodiscard]] inline api::Type<std::int64_t> count_type() {
    return api::integer_64(0, std::numeric_limits<std::int64_t>::max());
}
/// Notes an error for each name of a label that is none.
void check_labels(api::Reader& reader, const Labels& labels);

/// "user:ada": whoever asks, as rows remember it.
[[nodiscard]] std::string who(const api::Call& call);
/// Is it this agent, with an access token of ours?
[[nodiscard]] bool is_itself(const api::Call& call, std::string_view agent_id);
/// 403.
[[nodiscard]] api::Reply not_itself(const api::Call& call);
/// 401, whatever is wrong with it.
[[nodiscard]] api::Reply poor_token(const api::Call& call);

[[nodiscard]] api::Reply with_version(api::Reply reply, std::int64_t version);

/// What the repositories refuse, as a client reads it; errors that are none of the client's come back as they are.
[[nodiscard]] Result<api::Reply> refused_by_rules(const api::Call& call, Error error);

/// An access token, and what brings the next one.
struct TokenPair {
    std::string token_id, access_token, refresh_token;
    std::string token_type = "Bearer";
    std::int64_t expires_in = 0;
    SystemTime refresh_expires_at;
};
[[nodiscard]] const api::Type<TokenPair>& token_pair_type();
/// @param made  whose text is shown, this once
[[nodiscard]] TokenPair token_pair(Room& room, const Token& token, const MadeToken& made,
                                   SystemTime now);

/// An agent, as clients read it.
struct ShownAgent {
    std::string id, hostname;
    std::optional<std::string> ip_address, agent_version;
    Labels labels;
    std::vector<std::string> capabilities;
    Status status = Status::pending;
    std::optional<SystemTime> last_heartbeat_at;
    std::int64_t version = 1;
    std::string created_by;
    SystemTime created_at, updated_at;
    std::optional<std::string> enrolment_token;
    std::optional<SystemTime> enrolment_expires_at;
};
[[nodiscard]] ShownAgent shown(const Agent& agent);
[[nodiscard]] const api::Type<ShownAgent>& agent_type();

}  // namespace gh::agents
