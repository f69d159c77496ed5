#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/problem.hpp"
#include "bus/room.hpp"
#include "bus/route_words.hpp"
#include "codec/json.hpp"
#include "net/doorbell.hpp"
#include "net/loop.hpp"
#include "net/within.hpp"
#include "storage/fallback.hpp"

// Received and acknowledged over one connection: a WebSocket whose messages are JSON, both ways.

namespace gh::bus {
namespace {

using access::Access;
using access::Permission;
using api::Object;

constexpr std::size_t to_bytes_max = 64;
constexpr seconds away_pause{1}, release_patience{2};

struct SocketQuery {
    std::int64_t max = 1;
    std::optional<std::int64_t> lease;
};

const Object<SocketQuery>& socket_query() {
    using Q = SocketQuery;
    static const auto table =
        Object<Q>("MessageSocketQuery", "What is wanted of the inbox.")
            .optional("max", &Q::max, api::integer_64(1, batch_messages_max),
                      "Messages that are out at most; 1 where it is absent.")
            .optional("lease", &Q::lease, api::maybe(api::integer_64(1, lease_seconds_max)),
                      "Seconds until they are given out again.");
    return table;
}

// --- what the client says ---

struct Said {
    std::optional<std::string> to;
    std::optional<std::vector<std::string>> ack;
    std::optional<GivenBack> nack;
    std::optional<Renewed> renew;
};

const api::Type<Said>& said_type() {
    static const auto type =
        Object<Said>("SocketWord", "One of three.")
            .optional("id", &Said::to, api::maybe(api::text({.length_max = to_bytes_max})),
                      "Of the client's own: the answer has it.")
            .optional("ack", &Said::ack, api::maybe(ids_type()), "Messages that are done with.")
            .optional("nack", &Said::nack, api::maybe(given_back_type()),
                      "Messages that are given back.")
            .optional("renew", &Said::renew, api::maybe(renewed_type()),
                      "A lease that is to go on.")
            .type();
    return type;
}

// --- and what it is told ---

struct SocketAnswer {
    std::optional<std::string> to;
    std::int64_t status = 204;
    std::optional<std::string> code;
};

std::string text_of(SocketAnswer answer) {
    using A = SocketAnswer;
    static const auto type =
        Object<A>("SocketAnswer", "What has become of a word.")
            .optional("answer", &A::to, api::maybe(api::text()), "The word's id.")
            .required("status", &A::status, count_type(), "As HTTP has it.")
            .optional("code", &A::code, api::maybe(api::text()), "Why not.")
            .type();
    return type.json(answer);
}

struct SocketBatch {
    std::string receipt;
    SystemTime leased_until;
    std::vector<ShownMessage> messages;
};

std::string text_of(const Batch& batch) {
    using B = SocketBatch;
    static const auto type =
        Object<B>("SocketBatch", "What is given out together.")
            .required("receipt", &B::receipt, id_type(), "To renew its lease or give it back.")
            .required("leased_until", &B::leased_until, api::time(), "Then it is given out again.")
            .required("messages", &B::messages,
                      api::list_of(message_type(), {.items_max = batch_messages_max}),
                      "In their order.")
            .type();
    SocketBatch told{.receipt = batch.receipt, .leased_until = batch.leased_until, .messages = {}};
    for (const auto& message : batch.messages)
        told.messages.push_back(shown(message, batch.receipt));
    return type.json(told);
}

struct Conversation {
    Room& room;
    std::string address;
    std::size_t max;
    std::optional<milliseconds> lease;
};

/// @return nothing: it is understood
std::optional<SocketAnswer> understand(const std::string& text, Said& said) {
    const auto read = codec::json::parse(text);
    if (!read) return SocketAnswer{.to = {}, .status = 400, .code = "json.malformed"};
    std::vector<api::FieldError> errors;
    api::Reader reader(api::FieldError::In::body, false, errors);
    const bool fits = said_type().read(*read, reader, said);
    const int words =
        int{said.ack.has_value()} + int{said.nack.has_value()} + int{said.renew.has_value()};
    if (fits && words == 1) return {};
    return SocketAnswer{.to = std::move(said.to), .status = 422, .code = "request.invalid"};
}

Task<Result<bool>> act(const Conversation& with, Said said) {
    auto& bus = with.room.bus;
    if (said.ack) {
        GH_CO_TRY_VOID(co_await bus.acknowledge(with.address, *std::move(said.ack)));
        co_return true;
    }
    if (said.nack) {
        auto& back = *said.nack;
        co_return co_await bus.give_back(with.address, std::move(back.receipt), std::move(back.ids),
                                         seconds(back.delay_seconds));
    }
    co_return co_await bus.renew(with.address, std::move(said.renew->receipt),
                                 seconds(said.renew->lease_seconds));
}

Task<bool> answer(const Conversation& with, api::Talk& talk, std::string text) {
    Said said;
    if (auto not_understood = understand(text, said))
        co_return co_await talk.write(text_of(*std::move(not_understood)));
    SocketAnswer answer{.to = std::exchange(said.to, {}), .status = 204, .code = {}};
    const auto done = co_await act(with, std::move(said));
    if (!done) {
        answer.status = api::status_of(done.error().kind);
        answer.code = done.error().reason;
    } else if (!*done) {
        const auto refusal = refusal_of("bus.lease_over");
        answer.status = refusal.status;
        answer.code = refusal.reason;
    }
    co_return co_await talk.write(text_of(std::move(answer)));
}

/// One look into the inbox. @param out  the batch that the client has
/// @return false: the conversation has come to its end
Task<bool> give_out(const Conversation& with, api::Talk& talk, std::string& out) {
    auto& loop = *net::Loop::current();
    const auto batch = co_await with.room.bus.receive(with.address, with.max, with.lease);
    if (!batch) {
        if (!storage::is_away(batch.error())) co_return false;
        co_await talk.wait(loop.now() + away_pause);
        co_return true;
    }
    if (batch->messages.empty()) {
        co_await talk.wait(SteadyTime::max());
        co_return true;
    }
    const auto told = text_of(*batch);
    if (co_await talk.write(told)) {
        out = batch->receipt;
        co_return true;
    }
    std::ignore = co_await with.room.bus.take_back(with.address, *batch);
    co_return false;
}

/// Whoever comes next need not wait for the end of a lease that nobody holds; a database that is away holds nothing up.
Task<> let_go(const Conversation& with, std::string receipt) {
    auto releasing = with.room.bus.release(with.address, std::move(receipt));
    std::ignore = co_await net::within(release_patience, "bus.release", std::move(releasing));
}

Task<> converse(Conversation with, api::Talk& talk) {
    if (with.room.bus.bell().visitors(with.address) >= waits_max) co_return;
    net::Doorbell::Visitor visitor(with.room.bus.bell(), with.address, talk.wakeup());
    std::string out;
    bool goes_on = true;
    while (goes_on && !talk.gone()) {
        auto said = talk.heard();
        if (said) {
            goes_on = co_await answer(with, talk, *std::move(said));
        } else if (!talk.gone()) {
            goes_on = co_await give_out(with, talk, out);
        }
    }
    if (!out.empty()) co_await let_go(with, out);
}

Task<Result<api::Reply>> open(Room& room, api::Call call, SocketQuery query) {
    Conversation with{.room = room,
                      .address = address_of(call),
                      .max = static_cast<std::size_t>(query.max),
                      .lease = {}};
    if (query.lease) with.lease = seconds(*query.lease);
    if (!valid_address(with.address)) co_return refused(call, "bus.address");
    if (room.bus.bell().visitors(with.address) >= waits_max)
        co_return refused(call, "bus.waits_full");
    api::Reply reply;
    reply.talk = [with = std::move(with)](api::Talk& talk) { return converse(with, talk); };
    co_return reply;
}

}  // namespace

std::vector<api::Route> socket_routes(Room& room) {
    return {{.method = "GET",
             .path = "/api/v1/messages/socket",
             .access = Access::agent_or(Permission::messages_send),
             .handle = api::with(room, open, api::query(socket_query())),
             .summary = "Gives out and acknowledges over a WebSocket.",
             .answers = {{101, "Messages of JSON follow, both ways.", "", nullptr}}}};
}

}  // namespace gh::bus
