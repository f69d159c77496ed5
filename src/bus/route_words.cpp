#include "bus/route_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "access/principal.hpp"
#include "access/revocable.hpp"
#include "api/object.hpp"
#include "codec/json_writer.hpp"
#include "codec/uuid.hpp"
#include "telemetry/message_context.hpp"
#include "telemetry/trace.hpp"

namespace gh::bus {
namespace {

class TraceRules final : public api::Type<std::optional<std::string>>::Rules {
 public:
    bool read(const codec::json::Value& in, api::Reader& /*reader*/,
              std::optional<std::string>& out) const override {
        out.reset();
        std::string text;
        codec::json::Writer(text).value(in);
        if (const auto context = telemetry::parse_message_context(text))
            out = telemetry::to_traceparent(*context).view();
        return true;
    }
    void write(codec::json::Writer& out, const std::optional<std::string>& value) const override {
        const auto context = telemetry::parse_traceparent(value.value_or(""));
        context ? out.raw(telemetry::to_message_context(*context)) : out.null();
    }
    [[nodiscard]] bool is_set(const std::optional<std::string>& value) const override {
        return value && telemetry::parse_traceparent(*value);
    }
    void describe(codec::json::Writer& out, api::Schemas& /*schemas*/) const override {
        // Whatever a sender writes there, it is no error.
        out.begin_object().name("title").string("trace_id, span_id, trace_flags").end_object();
    }
};

template <class E, std::size_t count>
api::Type<E> choice_of(const std::array<E, count>& all) {
    std::vector<std::pair<std::string, E>> words;
    for (const auto one : all) words.emplace_back(name_of(one), one);
    return api::choice<E>(std::move(words));
}

}  // namespace

const api::Type<std::string>& address_type() {
    static const auto type =
        api::text({.length_max = address_bytes_max,
                   .form = {.holds = valid_address,
                            .said = "the id of an agent, or TYPE:NAME such as user:ada",
                            .pattern = "^[!-~]+$",
                            .format = {}}});
    return type;
}

const api::Type<std::string>& id_type() {
    static const auto type = api::text({.length_min = 36,
                                        .length_max = 36,
                                        .form = {.holds = codec::is_uuid,
                                                 .said = "a UUID in lower case",
                                                 .pattern = {},
                                                 .format = "uuid"}});
    return type;
}

const api::Type<std::string>& type_type() {
    static const auto type =
        api::text({.length_max = type_bytes_max,
                   .form = {.holds = valid_type,
                            .said = "a-z, 0-9 and _-./, beginning with a letter or digit",
                            .pattern = "^[a-z0-9][a-z0-9_./-]*$",
                            .format = {}}});
    return type;
}

const api::Type<Kind>& kind_type() {
    static const auto type = choice_of(kinds);
    return type;
}

const api::Type<State>& state_type() {
    static const auto type = choice_of(states);
    return type;
}

const api::Type<std::vector<std::string>>& ids_type() {
    static const auto type = api::list_of(
        id_type(), {.items_min = 1, .items_max = batch_messages_max, .distinct = true});
    return type;
}

const api::Type<std::optional<std::string>>& trace_type() {
    static const api::Type<std::optional<std::string>> type(std::make_shared<TraceRules>());
    return type;
}

std::string address_of(const api::Call& call) {
    const auto& who = call.principal;
    const bool of_ours = who.revoked_by != access::RevokedBy::nothing;
    if (is_agent(call) && who.revoked_by == access::RevokedBy::token_list) return who.subject;
    const bool is_key = who.type == access::PrincipalType::api_key && !who.token_id.empty();
    auto address = std::string(access::name_of(who.type)) + ':' +
                   access::encode_address(is_key ? who.token_id : who.subject, "@");
    if (of_ours || who.issuer.empty()) return address;
    return address + '@' + access::encode_address(who.issuer, "");
}

std::string trace_now(const api::Call& call) {
    if (const auto* trace = telemetry::Trace::current(); trace != nullptr && trace->recording())
        return std::string(telemetry::to_traceparent(trace->context()).view());
    const auto* parent = call.head.fields.find("traceparent");
    if (parent != nullptr) {
        // As we write it: later versions may have a tail of any length.
        if (const auto context = telemetry::parse_traceparent(parent->value))
            return std::string(telemetry::to_traceparent(*context).view());
    }
    const telemetry::TraceContext begun{.trace_id = telemetry::new_trace_id(),
                                        .span_id = telemetry::new_span_id(),
                                        .sampled = false};
    return std::string(telemetry::to_traceparent(begun).view());
}

Refusal refusal_of(std::string_view reason) {
    static constexpr std::array rows{
        Refusal{"bus.inbox_full", 429, "The inbox is full: its recipient must read first."},
        Refusal{"bus.share_full", 429,
                "The sender has as much waiting there, or everywhere, as one may have."},
        Refusal{"bus.deliver_at", 422, "It is to be given out later than it may wait."},
        Refusal{"bus.full", 507, "There is no place for more messages."},
        Refusal{"bus.conversation_full", 409,
                "The conversation is as long as it may be: begin another."},
        Refusal{"bus.id_taken", 409, "There is another message with this id."},
        Refusal{"bus.recipient_unknown", 404, "There is nobody with this address."},
        Refusal{"bus.waits_full", 429, "As many wait for this inbox already as may."},
        Refusal{"bus.lease_over", 409,
                "The batch is out no more: its lease is over, or all of it has ended."},
        Refusal{"bus.message_large", 413, "The body of the message is larger than it may be."},
        Refusal{"bus.address", 403, "Whoever asks has a name that is too long for an inbox."},
        Refusal{"message.not_dead", 409, "It was not given up."},
        Refusal{"message.over", 409, "It has ended."},
        Refusal{"task.changed", 412, "It was changed meanwhile: read it again."},
        Refusal{"task.state", 409, "There is no way from its state to that one."},
        Refusal{"task.over", 409, "It is over, and changes no more."},
        Refusal{"task.maker_full", 429, "Its maker has as many tasks as one may have."},
        Refusal{"task.full", 507, "There is no place for more tasks."},
        Refusal{"task.exists", 409, "There is a task with this id."},
        Refusal{"task.not_own", 403, "An agent changes state and result of its own tasks alone."},
    };
    const auto* row = std::ranges::find(rows, reason, &Refusal::reason);
    return row == rows.end() ? Refusal{} : *row;
}

api::Reply refused(const api::Call& call, std::string_view reason) {
    const auto row = refusal_of(reason);
    auto reply = api::refusal(call, row.status, row.reason, row.detail);
    if (row.status == 429 || row.status == 507) reply.fields.emplace_back("Retry-After", "5");
    return reply;
}

Result<api::Reply> refused_by_rules(const api::Call& call, Error error) {
    if (refusal_of(error.reason).status == 0) return std::unexpected(std::move(error));
    return refused(call, error.reason);
}

ShownMessage shown(const Message& message, const std::string& receipt) {
    ShownMessage one{.id = message.id,
                     .kind = message.kind,
                     .recipient = message.recipient,
                     .sender = message.sender,
                     .conversation_id = message.conversation_id,
                     .body = message.body,
                     .state = message.state,
                     .position = message.position,
                     .deliveries = message.deliveries,
                     .created_at = message.created_at,
                     .deliver_at = message.deliver_at,
                     .expires_at = message.expires_at,
                     .ended_at = message.ended_at};
    if (message.kind == Kind::message) {
        if (!message.type.empty()) one.type = message.type;
    } else {
        one.notification_id = message.id;
        one.notification_type = message.type;
    }
    if (!receipt.empty()) one.receipt = receipt;
    if (!message.trace.empty()) one.trace = message.trace;
    return one;
}

const api::Type<ShownMessage>& message_type() {
    using M = ShownMessage;
    static const auto moment = api::maybe(api::time());
    static const auto some_type = api::maybe(type_type());
    static const auto conversation =
        api::maybe(api::text({.length_max = conversation_id_bytes_max}));
    static const auto type =
        api::Object<M>("Message", "Something for an inbox.")
            .required("id", &M::id, id_type(), "A UUID.")
            .required("kind", &M::kind, kind_type(), "What it is.")
            .optional("notification_id", &M::notification_id, api::maybe(id_type()),
                      "The same id, where it is a notification or a task's.")
            .optional("notification_type", &M::notification_type, some_type,
                      "What has happened, where it is one.")
            .optional("type", &M::type, some_type, "Of a message, as its sender calls it.")
            .required("recipient", &M::recipient, address_type(), "Whose inbox.")
            .required("sender", &M::sender, address_type(), "As the sender's credential says.")
            .optional("conversation_id", &M::conversation_id, conversation, "What it belongs to.")
            .required("body", &M::body, api::json_object(1024 * 1024), "The sender's.")
            .required("state", &M::state, state_type(), "What became of it.")
            .required("position", &M::position, count_type(), "Messages are in this order.")
            .required("deliveries", &M::deliveries, count_type(), "How often it was given out.")
            .optional("receipt", &M::receipt, api::maybe(id_type()),
                      "Of the batch that it was given out with.")
            .required("created_at", &M::created_at, api::time(), "When it was sent.")
            .optional("deliver_at", &M::deliver_at, moment, "Not before.")
            .optional("expires_at", &M::expires_at, moment, "Of no use after.")
            .optional("ended_at", &M::ended_at, moment, "When it was done with.")
            .optional("_trace_context", &M::trace, trace_type(), "The trace it belongs to.")
            .type();
    return type;
}

const api::Type<GivenBack>& given_back_type() {
    using G = GivenBack;
    static const auto type =
        api::Object<G>("GivenBack", "What is to be given out again.")
            .required("receipt", &G::receipt, id_type(), "Of the batch that it came with.")
            .required("ids", &G::ids, ids_type(), "Of messages.")
            .optional("delay_seconds", &G::delay_seconds, api::integer_64(0, lease_seconds_max),
                      "Until then nothing of the inbox is given out.")
            .type();
    return type;
}

const api::Type<Renewed>& renewed_type() {
    using R = Renewed;
    static const auto type = api::Object<R>("RenewedLease", "More time.")
                                 .required("receipt", &R::receipt, id_type(), "Of the batch.")
                                 .required("lease_seconds", &R::lease_seconds,
                                           api::integer_64(1, lease_seconds_max), "From now.")
                                 .type();
    return type;
}

}  // namespace gh::bus
