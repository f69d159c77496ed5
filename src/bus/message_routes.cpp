#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "base/try.hpp"
#include "bus/room.hpp"
#include "bus/route_words.hpp"

// What is sent.

namespace gh::bus {
namespace {

using access::Access;
using access::Permission;
using api::Object;

struct NewMessage {
    std::optional<std::string> id;
    std::string recipient;
    std::optional<std::string> conversation_id, type;
    std::string body = "{}";
    std::optional<SystemTime> deliver_at, expires_at;
    std::optional<std::string> trace;
};

void check_times(api::Reader& reader, const std::optional<SystemTime>& deliver_at,
                 const std::optional<SystemTime>& expires_at) {
    if (!deliver_at || !expires_at || *deliver_at < *expires_at) return;
    const auto step = reader.enter("expires_at");
    reader.refuse("range", "Must be after deliver_at.");
}

const api::Type<std::string>& body_type() {
    static const auto type = api::json_object(1024 * 1024);
    return type;
}

const api::Type<NewMessage>& new_message_type() {
    using N = NewMessage;
    static const auto moment = api::maybe(api::time());
    static const auto type =
        Object<N>("NewMessage", "A message to be sent, in one's own name.")
            .optional("id", &N::id, api::maybe(id_type()),
                      "A UUID of the sender's choice: sent again, it is sent once.")
            .required("recipient", &N::recipient, address_type(), "Whose inbox.")
            .optional("conversation_id", &N::conversation_id,
                      api::maybe(api::text({.length_max = conversation_id_bytes_max})),
                      "What it belongs to.")
            .optional("type", &N::type, api::maybe(type_type()), "For the recipient to sort by.")
            .optional("body", &N::body, body_type(), "Whatever the recipient understands.")
            .optional("deliver_at", &N::deliver_at, moment, "It is not given out before.")
            .optional("expires_at", &N::expires_at, moment, "It is of no use after.")
            .optional("_trace_context", &N::trace, trace_type(),
                      "Of the sender's span; the request's trace where it is absent or invalid.")
            .check([](api::Reader& reader, const N& message) {
                check_times(reader, message.deliver_at, message.expires_at);
            })
            .type();
    return type;
}

struct NewMessages {
    std::vector<NewMessage> messages;
};

const api::Type<NewMessages>& new_messages_type() {
    static const auto type =
        Object<NewMessages>("NewMessages", "Several, each judged by itself.")
            .required(
                "messages", &NewMessages::messages,
                api::list_of(new_message_type(), {.items_min = 1, .items_max = batch_messages_max}),
                "In their order.")
            .type();
    return type;
}

struct NewNotification {
    std::optional<std::string> notification_id;
    std::string recipient, notification_type;
    std::string body = "{}";
    std::optional<SystemTime> deliver_at, expires_at;
    std::optional<std::string> trace;
};

const api::Type<NewNotification>& new_notification_type() {
    using N = NewNotification;
    static const auto moment = api::maybe(api::time());
    static const auto id = api::maybe(api::text({.length_min = 36,
                                                 .length_max = 36,
                                                 .form = {.holds = is_uuid_v4,
                                                          .said = "a UUID of version 4",
                                                          .pattern = {},
                                                          .format = "uuid"}}));
    static const auto type =
        Object<N>("NewNotification", "Something that has happened, for who should know.")
            .optional("notification_id", &N::notification_id, id, "Sent again, it is sent once.")
            .required("recipient", &N::recipient, address_type(), "Whose inbox.")
            .required("notification_type", &N::notification_type, type_type(), "What it is.")
            .optional("body", &N::body, body_type(), "Whatever the recipient understands.")
            .optional("deliver_at", &N::deliver_at, moment, "It is not given out before.")
            .optional("expires_at", &N::expires_at, moment, "It is of no use after.")
            .optional("_trace_context", &N::trace, trace_type(),
                      "Of the sender's span; the request's trace where it is absent or invalid.")
            .check([](api::Reader& reader, const N& notification) {
                check_times(reader, notification.deliver_at, notification.expires_at);
            })
            .type();
    return type;
}

struct ShownSent {
    std::string id;
    std::optional<std::string> notification_id;
    std::optional<SystemTime> created_at;
    std::optional<std::string> code;  ///< of a refusal
    std::int64_t status = 201;
};

Object<ShownSent> sent_members(std::string name) {
    using S = ShownSent;
    static const auto id = api::text({.length_min = 0, .length_max = 36});
    return Object<S>(std::move(name), "What became of it.")
        .required("id", &S::id, id, "Its id; empty where it was refused and had none.")
        .optional("notification_id", &S::notification_id, api::maybe(id), "The same.")
        .optional("created_at", &S::created_at, api::maybe(api::time()), "When it was sent.")
        .optional("code", &S::code, api::maybe(api::text()), "Why it was not.")
        .required("status", &S::status, api::integer_64(200, 599),
                  "201: sent; 200: it was sent before; else it was not, and by itself would have "
                  "got this answer.");
}

const api::Type<ShownSent>& sent_type() {
    static const auto type = sent_members("SentMessage").type();
    return type;
}

struct ShownBatch {
    std::vector<ShownSent> items;
};

const api::Type<ShownBatch>& sent_batch_type() {
    static const auto type =
        Object<ShownBatch>("SentMessages", "One outcome for each, in their order.")
            .required("items", &ShownBatch::items,
                      api::list_of(sent_type(), {.items_max = batch_messages_max}), "Outcomes.")
            .type();
    return type;
}

ShownSent shown(const Sent& sent, Kind kind) {
    ShownSent one{.id = sent.id};
    if (!sent.refusal.empty()) {
        one.code = std::string(sent.refusal);
        one.status = refusal_of(sent.refusal).status;
        return one;
    }
    if (kind == Kind::notification) one.notification_id = sent.id;
    one.created_at = sent.created_at;
    one.status = sent.is_new ? 201 : 200;
    return one;
}

Draft draft_of(const api::Call& call, const std::string& sender, NewMessage message) {
    return {.id = std::move(message.id).value_or(""),
            .kind = Kind::message,
            .recipient = std::move(message.recipient),
            .sender = sender,
            .conversation_id = std::move(message.conversation_id),
            .type = std::move(message.type).value_or(""),
            .body = std::move(message.body),
            .trace = message.trace ? *std::move(message.trace) : trace_now(call),
            .deliver_at = message.deliver_at,
            .expires_at = message.expires_at};
}

std::string_view fault_of(const Room& room, const Draft& draft) {
    if (!valid_address(draft.sender)) return "bus.address";
    return draft.body.size() > room.bus.config().message_bytes_max ? "bus.message_large" : "";
}

Task<Result<api::Reply>> send_one(Room& room, api::Call call, Draft draft) {
    if (const auto fault = fault_of(room, draft); !fault.empty()) co_return refused(call, fault);
    const auto kind = draft.kind;
    std::vector<Draft> one;
    one.push_back(std::move(draft));
    GH_CO_TRY(const auto sent, co_await room.bus.send(std::move(one)));
    if (!sent[0].refusal.empty()) co_return refused(call, sent[0].refusal);
    const auto body = shown(sent[0], kind);
    if (!sent[0].is_new) co_return api::reply(200, sent_type(), body);
    co_return api::created("/api/v1/messages/" + sent[0].id, sent_type(), body);
}

Task<Result<api::Reply>> send_message(Room& room, api::Call call, NewMessage message) {
    return send_one(room, call, draft_of(call, address_of(call), std::move(message)));
}

Task<Result<api::Reply>> send_notification(Room& room, api::Call call, NewNotification wanted) {
    Draft draft{
        .id = std::move(wanted.notification_id).value_or(""),
        .kind = Kind::notification,
        .recipient = std::move(wanted.recipient),
        .sender = address_of(call),
        .conversation_id = {},
        .type = std::move(wanted.notification_type),
        .body = std::move(wanted.body),
        .trace = wanted.trace ? *std::move(wanted.trace) : trace_now(call),
        .deliver_at = wanted.deliver_at,
        .expires_at = wanted.expires_at,
    };
    return send_one(room, call, std::move(draft));
}

Task<Result<api::Reply>> send_batch(Room& room, api::Call call, NewMessages wanted) {
    const auto sender = address_of(call);
    std::vector<Draft> drafts;
    for (auto& message : wanted.messages) {
        drafts.push_back(draft_of(call, sender, std::move(message)));
        if (const auto fault = fault_of(room, drafts.back()); !fault.empty())
            co_return refused(call, fault);
    }
    GH_CO_TRY(const auto sent, co_await room.bus.send(std::move(drafts)));
    ShownBatch all;
    for (const auto& one : sent) all.items.push_back(shown(one, Kind::message));
    co_return api::reply(200, sent_batch_type(), all);
}

}  // namespace

std::vector<api::Route> message_routes(Room& room) {
    constexpr std::size_t one_bytes_max = 1280 * 1024;
    const auto sends = Access::agent_or(Permission::messages_send);
    const std::vector answers{api::answers(201, "It is sent, and durable.", sent_type()),
                              api::answers(200, "The same was sent before.", sent_type())};
    return {{.method = "POST",
             .path = "/api/v1/messages",
             .access = sends,
             .handle = api::with(room, send_message, api::json_body(new_message_type())),
             .summary = "Sends a message.",
             .answers = answers,
             .body_bytes_max = one_bytes_max},
            {.method = "POST",
             .path = "/api/v1/messages/batch",
             .access = sends,
             .handle = api::with(room, send_batch, api::json_body(new_messages_type())),
             .summary = "Sends up to a hundred messages at once, each judged by itself.",
             .answers = {api::answers(200, "What became of each.", sent_batch_type())},
             .body_bytes_max = 2 * one_bytes_max},
            {.method = "POST",
             .path = "/api/v1/notifications",
             .access = sends,
             .handle = api::with(room, send_notification, api::json_body(new_notification_type())),
             .summary = "Sends a notification.",
             .answers = answers,
             .body_bytes_max = one_bytes_max}};
}

}  // namespace gh::bus
