#pragma once

// What the tables of this room's routes have in common.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "api/types.hpp"
#include "base/error.hpp"
#include "bus/message.hpp"
#include "bus/room.hpp"

namespace gh::bus {

[[nodiscard]] const api::Type<std::string>& address_type();
[[nodiscard]] const api::Type<std::string>& id_type();
[[nodiscard]] const api::Type<std::string>& type_type();
[[nodiscard]] const api::Type<Kind>& kind_type();
[[nodiscard]] const api::Type<State>& state_type();
[[nodiscard]] const api::Type<std::vector<std::string>>& ids_type();
/// A message's traceparent, as the member `_trace_context` of telemetry/message_context.hpp. Reading, what is invalid is left
/// out, and no error; nothing is trusted that a trace could not begin with.
[[nodiscard]] const api::Type<std::optional<std::string>>& trace_type();
[[nodiscard]] inline api::Type<std::int64_t> count_type() {
    return api::integer_64(0, std::numeric_limits<std::int64_t>::max());
}

/// Whose inbox it is that a caller has: the id of an agent with a token of ours; for others "user:ada", for keys "api_key:ID", and with the issuer of
/// a token that is none of ours "user:ada@ISSUER". Octets that an address cannot hold are percent-encoded.
[[nodiscard]] std::string address_of(const api::Call& call);
[[nodiscard]] inline bool is_agent(const api::Call& call) {
    return call.principal.type == access::PrincipalType::agent;
}
/// The traceparent of what is sent now: of the request's trace, or of a new one.
[[nodiscard]] std::string trace_now(const api::Call& call);

/// What was not done, as a client reads it.
struct Refusal {
    std::string_view reason;
    std::uint16_t status = 0;
    std::string_view detail;
};
[[nodiscard]] Refusal refusal_of(std::string_view reason);
[[nodiscard]] api::Reply refused(const api::Call& call, std::string_view reason);
/// Errors that are none of the client's come back as they are.
[[nodiscard]] Result<api::Reply> refused_by_rules(const api::Call& call, Error error);

/// A message, as clients read it.
struct ShownMessage {
    std::string id;
    std::optional<std::string> notification_id, notification_type, type;
    Kind kind = Kind::message;
    std::string recipient, sender;
    std::optional<std::string> conversation_id;
    std::string body;
    State state = State::waiting;
    std::int64_t position = 0, deliveries = 0;
    std::optional<std::string> receipt;
    SystemTime created_at;
    std::optional<SystemTime> deliver_at, expires_at, ended_at;
    std::optional<std::string> trace;
};
/// @param receipt  of the batch that it is given out with; empty: it is only shown
[[nodiscard]] ShownMessage shown(const Message& message, const std::string& receipt = {});
[[nodiscard]] const api::Type<ShownMessage>& message_type();

inline constexpr std::int64_t lease_seconds_max = 12 * 3600;

struct GivenBack {
    std::string receipt;
    std::vector<std::string> ids;
    std::int64_t delay_seconds = 0;
};

struct Renewed {
    std::string receipt;
    std::int64_t lease_seconds = 1;
};
[[nodiscard]] const api::Type<GivenBack>& given_back_type();
[[nodiscard]] const api::Type<Renewed>& renewed_type();

}  // namespace gh::bus
