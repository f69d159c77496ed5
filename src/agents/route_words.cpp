#include "agents/route_words.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "access/principal.hpp"
#include "api/object.hpp"
#include "api/precondition.hpp"
#include "codec/ip.hpp"

namespace gh::agents {
const api::Type<std::string>& hostname_type() {
    static const auto type = api::text(
        {.length_max = hostname_bytes_max,
         .form = {.holds = valid_hostname,
                  .said = "a host name in lower case, such as build-7.example.com",
                  .pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
                  .format = {}}});
    return type;
}

const api::Type<std::string>& ip_address_type() {
    static const auto type =
        api::text({.length_max = 45,
                   .form = {.holds =
                                [](std::string_view text) {
                                    return codec::IpAddress::parse(text).has_value();
                                },
                            .said = "an IPv4 or IPv6 address",
                            .pattern = {},
                            .format = {}}});
    return type;
}

const api::Type<std::string>& word_type() {
    static const auto type =
        api::text({.length_max = capability_bytes_max,
                   .form = {.holds = valid_word,
                            .said = "a-z, 0-9 and _-./, beginning with a letter or digit",
                            .pattern = "^[a-z0-9][a-z0-9_./-]*$",
                            .format = {}}});
    return type;
}

const api::Type<std::string>& agent_version_type() {
    static const auto type = api::text({.length_max = agent_version_bytes_max});
    return type;
}

const api::Type<std::vector<std::string>>& capabilities_type() {
    static const auto type =
        api::list_of(word_type(), {.items_max = capabilities_max, .distinct = true});
    return type;
}

const api::Type<Labels>& labels_type() {
    static const auto type =
        api::map_of(api::text({.length_max = label_value_bytes_max}), labels_max);
    return type;
}

const api::Type<Status>& status_type() {
    static const auto type = [] {
        std::vector<std::pair<std::string, Status>> words;
        for (const auto status : statuses) words.emplace_back(name_of(status), status);
        return api::choice<Status>(std::move(words));
    }();
    return type;
}

const api::Type<Severity>& severity_type() {
    static const auto type = [] {
        std::vector<std::pair<std::string, Severity>> words;
        for (const auto severity :
             {Severity::info, Severity::low, Severity::medium, Severity::high, Severity::critical})
            words.emplace_back(audit::name_of(severity), severity);
        return api::choice<Severity>(std::move(words));
    }();
    return type;
}

const api::Type<ThreatStatus>& threat_status_type() {
    static const auto type = [] {
        std::vector<std::pair<std::string, ThreatStatus>> words;
        for (const auto status : threat_statuses) words.emplace_back(name_of(status), status);
        return api::choice<ThreatStatus>(std::move(words));
    }();
    return type;
}

const api::Type<std::string>& details_type() {
    static const auto type = api::json_object(threat_details_bytes_max);
    return type;
}

void check_labels(api::Reader& reader, const Labels& labels) {
    const auto step = reader.enter("labels");
    for (const auto& [name, value] : labels) {
        if (valid_word(name) && name.size() <= label_name_bytes_max) continue;
        const auto inner = reader.enter(name);
        reader.refuse("invalid", "Is no name of a label: a-z, 0-9 and _-./, at most 63.");
    }
}

std::string who(const api::Call& call) {
    return std::string(access::name_of(call.principal.type)) + ":" + call.principal.subject;
}

bool is_itself(const api::Call& call, std::string_view agent_id) {
    return call.principal.type == access::PrincipalType::agent &&
           call.principal.revoked_by == access::RevokedBy::token_list &&
           call.principal.subject == agent_id;
}

api::Reply not_itself(const api::Call& call) {
    return api::refusal(call, 403, "agent.not_self", "An agent speaks for itself alone.");
}

api::Reply poor_token(const api::Call& call) {
    auto refusal = api::refusal(call, 401, "agent.token", "The token is not good, or no longer.");
    refusal.fields.emplace_back("WWW-Authenticate", "Bearer");
    return refusal;
}

api::Reply with_version(api::Reply reply, std::int64_t version) {
    reply.fields.emplace_back("ETag", api::etag_of_version(static_cast<std::uint64_t>(version)));
    return reply;
}

Result<api::Reply> refused_by_rules(const api::Call& call, Error error) {
    struct Row {
        std::string_view reason;
        std::uint16_t status;
        std::string_view detail;
    };
    static constexpr std::array rows{
        Row{"agent.hostname_taken", 409, "There is an agent of that host name."},
        Row{"agent.changed", 412, "It was changed meanwhile: read it again."},
        Row{"agent.status", 409, "There is no way from its status to that one."},
        Row{"agent.retired", 409, "It has retired, and changes no more."},
        Row{"agent.tokens_many", 409,
            "It has as many tokens as one may have: revoke those that are no longer used."},
        Row{"threat.changed", 412, "It was changed meanwhile: read it again."},
        Row{"threat.many", 429, "It has a thousand open ones: somebody is to look at those first."},
        Row{"threat.status", 409, "There is no way from its status to that one."},
    };
    const auto* row = std::ranges::find(rows, error.reason, &Row::reason);
    if (row == rows.end()) return std::unexpected(std::move(error));
    return api::refusal(call, row->status, row->reason, row->detail);
}

const api::Type<TokenPair>& token_pair_type() {
    using T = TokenPair;
    static const auto type =
        api::Object<T>("AgentTokens", "An access token, and what brings the next one.")
            .required("token_id", &T::token_id, api::text(), "Of the refresh token, for logs.")
            .required("access_token", &T::access_token, api::text({.length_max = 8192}),
                      "For Authorization: Bearer.")
            .required("token_type", &T::token_type, api::text(), "Bearer.")
            .required("expires_in", &T::expires_in, count_type(), "Seconds of the access token.")
            .required("refresh_token", &T::refresh_token, api::text(),
                      "Good once, for /api/v1/agents/refresh. Shown this once.")
            .required("refresh_expires_at", &T::refresh_expires_at, api::time(), "When it ends.")
            .type();
    return type;
}

TokenPair token_pair(Room& room, const Token& token, const MadeToken& made, SystemTime now) {
    auto access = room.credentials.access_token(token.agent_id, token.family,
                                                room.config.access_token_ttl, now);
    return {.token_id = token.id,
            .access_token = std::move(access.text),
            .refresh_token = made.text,
            .expires_in = room.config.access_token_ttl.count(),
            .refresh_expires_at = token.expires_at};
}

ShownAgent shown(const Agent& agent) {
    ShownAgent one{.id = agent.id,
                   .hostname = agent.hostname,
                   .ip_address = {},
                   .agent_version = {},
                   .labels = agent.labels,
                   .capabilities = agent.capabilities,
                   .status = agent.status,
                   .last_heartbeat_at = agent.last_heartbeat_at,
                   .version = agent.version,
                   .created_by = agent.created_by,
                   .created_at = agent.created_at,
                   .updated_at = agent.updated_at,
                   .enrolment_token = {},
                   .enrolment_expires_at = {}};
    if (!agent.ip_address.empty()) one.ip_address = agent.ip_address;
    if (!agent.agent_version.empty()) one.agent_version = agent.agent_version;
    return one;
}

const api::Type<ShownAgent>& agent_type() {
    using A = ShownAgent;
    static const auto moment = api::maybe(api::time());
    static const auto type =
        api::Object<A>("Agent", "A program that works for somebody.")
            .required("id", &A::id, api::text(), "Its own from now on; the name may change hands.")
            .required("hostname", &A::hostname, hostname_type(), "Unique among those that live.")
            .optional("ip_address", &A::ip_address, api::maybe(ip_address_type()),
                      "As it was said, or where it came from.")
            .optional("agent_version", &A::agent_version, api::maybe(agent_version_type()),
                      "Of its program.")
            .required("labels", &A::labels, labels_type(), "To find it by.")
            .required("capabilities", &A::capabilities, capabilities_type(), "What it can do.")
            .required("status", &A::status, status_type(), "Where it stands.")
            .optional("last_heartbeat_at", &A::last_heartbeat_at, moment, "As the database has it.")
            .required("version", &A::version, count_type(), "The ETag.")
            .required("created_by", &A::created_by, api::text({.length_max = 512}),
                      "Who announced it.")
            .required("created_at", &A::created_at, api::time(), "When.")
            .required("updated_at", &A::updated_at, api::time(), "When last changed.")
            .optional("enrolment_token", &A::enrolment_token, api::maybe(api::text()),
                      "The one-time token, shown this once.")
            .optional("enrolment_expires_at", &A::enrolment_expires_at, moment,
                      "When that token ends.")
            .type();
    return type;
}

}  // namespace gh::agents
