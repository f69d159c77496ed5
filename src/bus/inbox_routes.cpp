#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "base/try.hpp"
#include "bus/room.hpp"
#include "bus/route_words.hpp"
#include "codec/uuid.hpp"
#include "net/doorbell.hpp"
#include "net/loop.hpp"
#include "storage/fallback.hpp"
#include "telemetry/trace.hpp"

// What is received: each caller from the inbox of its own.

namespace gh::bus {
namespace {

using access::Access;
using access::Permission;
using api::Object;

constexpr std::int64_t wait_seconds_max = 30;
constexpr seconds keep_alive_every{15};
constexpr seconds away_pause{1};

struct ReceiveQuery {
    std::int64_t max = 1, wait = 0;
    std::optional<std::int64_t> lease;
};

api::Type<std::optional<std::int64_t>> lease_type() {
    return api::maybe(api::integer_64(1, lease_seconds_max));
}

const Object<ReceiveQuery>& receive_query() {
    using Q = ReceiveQuery;
    static const auto table =
        Object<Q>("ReceiveQuery", "What is wanted of the inbox.")
            .optional("max", &Q::max, api::integer_64(1, batch_messages_max),
                      "Messages at most; 1 where it is absent.")
            .optional("wait", &Q::wait, api::integer_64(0, wait_seconds_max),
                      "Seconds to wait for one; 0 where it is absent.")
            .optional("lease", &Q::lease, lease_type(), "Seconds until they are given out again.");
    return table;
}

const Object<ReceiveQuery>& stream_query() {
    using Q = ReceiveQuery;
    static const auto table =
        Object<Q>("MessageStreamQuery", "What is wanted of the inbox.")
            .optional("max", &Q::max, api::integer_64(1, batch_messages_max),
                      "Messages that are out at most; 1 where it is absent.")
            .optional("lease", &Q::lease, lease_type(), "Seconds until they are given out again.");
    return table;
}

struct ShownBatch {
    std::optional<std::string> receipt;
    std::optional<SystemTime> leased_until;
    std::vector<ShownMessage> messages;
};

const api::Type<ShownBatch>& batch_type() {
    using B = ShownBatch;
    static const auto type =
        Object<B>("MessageBatch", "What is given out together.")
            .optional("receipt", &B::receipt, api::maybe(id_type()),
                      "To renew its lease or give it back; absent where there is nothing.")
            .optional("leased_until", &B::leased_until, api::maybe(api::time()),
                      "What is not acknowledged by then is given out again.")
            .required("messages", &B::messages,
                      api::list_of(message_type(), {.items_max = batch_messages_max}),
                      "In their order.")
            .type();
    return type;
}

ShownBatch shown(const Batch& batch) {
    ShownBatch all;
    if (batch.messages.empty()) return all;
    all.receipt = batch.receipt;
    all.leased_until = batch.leased_until;
    for (const auto& message : batch.messages)
        all.messages.push_back(bus::shown(message, batch.receipt));
    return all;
}

std::optional<milliseconds> lease_of(const ReceiveQuery& query) {
    if (!query.lease) return {};
    return seconds(*query.lease);
}

/// A step of its own in the request's trace, linked with the traces of all that it gives out.
void trace_delivery(const Batch& batch) {
    if (batch.messages.empty()) return;
    telemetry::Span span("messages.deliver");
    span.attribute("messaging.batch.message_count",
                   static_cast<std::int64_t>(batch.messages.size()));
    for (const auto& message : batch.messages) {
        if (const auto context = telemetry::parse_traceparent(message.trace)) span.link(*context);
    }
}

Task<Result<api::Reply>> answer_receive(Room& room, api::Call call, ReceiveQuery query) {
    const auto address = address_of(call);
    if (!valid_address(address)) co_return refused(call, "bus.address");
    auto& loop = *net::Loop::current();
    const auto deadline = loop.now() + seconds(query.wait);
    std::optional<net::Doorbell::Visitor> visitor;
    const bool waits = query.wait > 0 && call.client != nullptr;
    if (waits && room.bus.bell().visitors(address) >= waits_max)
        co_return refused(call, "bus.waits_full");
    if (waits) visitor.emplace(room.bus.bell(), address, call.client->wakeup());
    for (;;) {
        GH_CO_TRY(const auto batch,
                  co_await room.bus.receive(address, static_cast<std::size_t>(query.max),
                                            lease_of(query)));
        const bool left = call.client_gone();
        if (left && !batch.messages.empty()) {  // nobody reads it: the next one may have it at once
            GH_CO_TRY_VOID(co_await room.bus.take_back(address, batch));
        }
        if (!batch.messages.empty() || !waits || left || loop.now() >= deadline) {
            trace_delivery(batch);
            co_return api::reply(200, batch_type(), shown(batch));
        }
        co_await call.client->wait(deadline);
    }
}

// --- as a stream (Server-Sent Events, WHATWG HTML §9.2) ---

std::string events_of(const Batch& batch) {
    std::string text;
    for (const auto& message : batch.messages) {
        text += "id: " + batch.receipt + "\nevent: ";
        text += name_of(message.kind);
        text += "\ndata: " + message_type().json(bus::shown(message, batch.receipt)) + "\n\n";
    }
    return text;
}

struct Streamed {
    Room& room;
    std::string address;
    std::size_t max;
    std::optional<milliseconds> lease;
    std::string last_receipt;  ///< of the stream before; empty: there was none
};

/// One look into the inbox.
/// @return false: the stream has come to its end
Task<bool> tell_some(const Streamed& told, api::Stream& stream) {
    auto& loop = *net::Loop::current();
    const auto batch = co_await told.room.bus.receive(told.address, told.max, told.lease);
    if (!batch) {
        if (!storage::is_away(batch.error())) co_return false;
        co_await stream.wait(loop.now() + away_pause);
        co_return true;
    }
    if (batch->messages.empty()) {
        const auto silent_until = loop.now() + keep_alive_every;
        co_await stream.wait(silent_until);
        if (loop.now() < silent_until) co_return true;
        co_return co_await stream.write(": still here\n\n");
    }
    if (stream.gone()) {
        std::ignore = co_await told.room.bus.take_back(told.address, *batch);
        co_return false;
    }
    const auto events = events_of(*batch);
    if (co_await stream.write(events)) co_return true;
    // Some of it may have been read: it counts as a delivery.
    std::ignore = co_await told.room.bus.release(told.address, batch->receipt);
    co_return false;
}

Task<> tell(Streamed told, api::Stream& stream) {
    if (told.room.bus.bell().visitors(told.address) >= waits_max) co_return;
    net::Doorbell::Visitor visitor(told.room.bus.bell(), told.address, stream.wakeup());
    if (!co_await stream.write(": messages follow\n\n")) co_return;
    if (!told.last_receipt.empty())
        std::ignore = co_await told.room.bus.release(told.address, told.last_receipt);
    while (!stream.gone()) {
        if (!co_await tell_some(told, stream)) co_return;
    }
}

Task<Result<api::Reply>> stream(Room& room, api::Call call, ReceiveQuery query) {
    Streamed told{.room = room,
                  .address = address_of(call),
                  .max = static_cast<std::size_t>(query.max),
                  .lease = lease_of(query),
                  .last_receipt = {}};
    if (!valid_address(told.address)) co_return refused(call, "bus.address");
    if (room.bus.bell().visitors(told.address) >= waits_max)
        co_return refused(call, "bus.waits_full");
    const auto* last = call.head.fields.find("Last-Event-ID");
    if (last != nullptr && codec::is_uuid(last->value)) told.last_receipt = last->value;
    api::Reply reply;
    reply.content_type = "text/event-stream";
    reply.tell = [told = std::move(told)](api::Stream& into) { return tell(told, into); };
    co_return reply;
}

// --- and what is said of it ---

struct Acknowledged {
    std::vector<std::string> ids;
};

const api::Type<Acknowledged>& acknowledged_type() {
    static const auto type = Object<Acknowledged>("Acknowledgement", "What is done with.")
                                 .required("ids", &Acknowledged::ids, ids_type(), "Of messages.")
                                 .type();
    return type;
}

Task<Result<api::Reply>> take_acknowledgement(Room& room, api::Call call, Acknowledged wanted) {
    GH_CO_TRY_VOID(co_await room.bus.acknowledge(address_of(call), std::move(wanted.ids)));
    co_return api::no_content();
}

Task<Result<api::Reply>> take_given_back(Room& room, api::Call call, GivenBack wanted) {
    GH_CO_TRY(const bool given,
              co_await room.bus.give_back(address_of(call), std::move(wanted.receipt),
                                          std::move(wanted.ids), seconds(wanted.delay_seconds)));
    co_return given ? api::no_content() : refused(call, "bus.lease_over");
}

Task<Result<api::Reply>> renew_lease(Room& room, api::Call call, Renewed wanted) {
    GH_CO_TRY(const bool renewed,
              co_await room.bus.renew(address_of(call), std::move(wanted.receipt),
                                      seconds(wanted.lease_seconds)));
    co_return renewed ? api::no_content() : refused(call, "bus.lease_over");
}

}  // namespace

std::vector<api::Route> inbox_routes(Room& room) {
    const auto own = Access::agent_or(Permission::messages_send);
    const std::vector<api::Answer> done{{204, "It is done, and durable.", "", nullptr}};
    return {{.method = "GET",
             .path = "/api/v1/messages/receive",
             .access = own,
             .handle = api::with(room, answer_receive, api::query(receive_query())),
             .summary = "Gives out the first messages of one's own inbox, or waits for one.",
             .answers = {api::answers(200, "A batch; empty where there is none.", batch_type())}},
            {.method = "GET",
             .path = "/api/v1/messages/stream",
             .access = own,
             .handle = api::with(room, stream, api::query(stream_query())),
             .summary = "The same as they come: Server-Sent Events.",
             .answers = {{200, "Each message an event.", "text/event-stream", nullptr}}},
            {.method = "POST",
             .path = "/api/v1/messages/ack",
             .access = own,
             .handle = api::with(room, take_acknowledgement, api::json_body(acknowledged_type())),
             .summary = "These are done with, and are not given out again.",
             .answers = done},
            {.method = "POST",
             .path = "/api/v1/messages/nack",
             .access = own,
             .handle = api::with(room, take_given_back, api::json_body(given_back_type())),
             .summary = "Gives messages back, to be given out again.",
             .answers = done},
            {.method = "POST",
             .path = "/api/v1/messages/renew",
             .access = own,
             .handle = api::with(room, renew_lease, api::json_body(renewed_type())),
             .summary = "More time for a batch.",
             .answers = done}};
}

}  // namespace gh::bus
