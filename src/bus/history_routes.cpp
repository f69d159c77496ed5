#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "api/paging.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "bus/room.hpp"
#include "bus/route_words.hpp"
#include "net/loop.hpp"

// What was sent, and what became of it.

namespace gh::bus {
namespace {

using access::Access;
using access::Permission;
using api::Object;

constexpr std::size_t inboxes_shown = 1'000;      // of agents, and of others
constexpr std::uint64_t emptied_max = 1'000'000;  // by one request
constexpr std::array<std::string_view, 2> orders{"position", "-position"};

struct HistoryQuery : api::Page {
    std::optional<std::string> recipient, sender, conversation_id;
    std::optional<Kind> kind;
};

Object<HistoryQuery> history_query(std::string name, bool with_kind) {
    using Q = HistoryQuery;
    Object<Q> query(std::move(name), "Which messages.");
    api::add_page(query, "messages", 2);
    api::add_sort(query, {orders.begin(), orders.end()});
    query.optional("recipient", &Q::recipient, api::maybe(address_type()), "Only those for it.");
    query.optional("sender", &Q::sender, api::maybe(address_type()), "Only those of it.");
    query.optional("conversation_id", &Q::conversation_id,
                   api::maybe(api::text({.length_max = conversation_id_bytes_max})),
                   "Only those of this conversation.");
    if (with_kind) query.optional("kind", &Q::kind, api::maybe(kind_type()), "Only these.");
    return query;
}

const api::Type<api::Items<ShownMessage>>& message_page_type() {
    static const auto type = api::page_of("MessagePage", message_type());
    return type;
}

Result<MessagePage> page_of(const api::Page& query) {
    MessagePage page{.newest_first = query.order == 1,
                     .limit = query.limit,
                     .offset = static_cast<std::size_t>(query.offset)};
    if (!query.after) return page;
    const auto& key = (*query.after)[1];
    std::int64_t position = 0;
    const auto* end = key.data() + key.size();
    if (const auto read = std::from_chars(key.data(), end, position); read.ptr != end)
        return fail(ErrorKind::invalid_argument, "cursor.malformed");
    page.after = position;
    return page;
}

Task<Result<api::Reply>> answer(Room& room, MessagePage page, std::size_t order) {
    GH_CO_TRY(const auto found, co_await room.messages.list(std::move(page)));
    api::Items<ShownMessage> items;
    if (found.next)
        items.next_cursor = api::encode_cursor(
            "messages", {std::string(orders[order]), std::to_string(*found.next)});
    for (const auto& message : found.messages) items.items.push_back(shown(message));
    co_return api::reply(200, message_page_type(), items);
}

/// An agent sees what it has sent or was sent.
Task<Result<api::Reply>> list(Room& room, api::Call call, HistoryQuery query) {
    GH_CO_TRY(auto page, page_of(query));
    page.recipient = std::move(query.recipient);
    page.sender = std::move(query.sender);
    page.conversation_id = std::move(query.conversation_id);
    page.kind = query.kind;
    if (is_agent(call)) {
        const auto own = address_of(call);
        const bool any = page.recipient || page.sender || page.conversation_id;
        if (!any) page.recipient = own;
        page.participant = own;
    }
    co_return co_await answer(room, std::move(page), query.order);
}

Task<Result<api::Reply>> list_notifications(Room& room, api::Call call, HistoryQuery query) {
    query.kind = Kind::notification;
    return list(room, call, std::move(query));
}

Task<Result<api::Reply>> list_dead(Room& room, api::Call /*call*/, api::Page query) {
    GH_CO_TRY(auto page, page_of(query));
    page.dead_only = true;
    co_return co_await answer(room, std::move(page), query.order);
}

Task<Result<api::Reply>> show(Room& room, api::Call call) {
    GH_CO_TRY(const auto message, co_await room.messages.find(std::string(call.param("message"))));
    const auto own = address_of(call);
    if (is_agent(call) && message.recipient != own && message.sender != own)
        co_return fail(ErrorKind::not_found, "message.unknown");
    co_return api::reply(200, message_type(), shown(message));
}

storage::Also<Message> recorded(const api::Call& call, std::string action) {
    return audit::also<Message>(audit::act_of(call, std::move(action), "message"),
                                [](audit::Record& record, const Message& message) {
                                    record.object_id = message.id;
                                    record.details.push_back({"recipient", message.recipient});
                                    record.details.push_back({"sender", message.sender});
                                });
}

Task<Result<api::Reply>> replay(Room& room, api::Call call) {
    auto also = recorded(call, "message.replay");
    const auto now = net::Loop::current()->system_now();
    auto done = co_await room.messages.replay(std::string(call.param("message")), now,
                                              room.bus.config().waiting_kept, std::move(also));
    if (!done) co_return refused_by_rules(call, std::move(done).error());
    room.bus.ring(done->recipient);
    co_return api::reply(200, message_type(), shown(*done));
}

Task<Result<api::Reply>> remove(Room& room, api::Call call) {
    auto also = recorded(call, "message.delete");
    const auto now = net::Loop::current()->system_now();
    auto done =
        co_await room.messages.remove(std::string(call.param("message")), now, std::move(also));
    if (!done) co_return refused_by_rules(call, std::move(done).error());
    room.bus.ring(done->recipient);  // its line may be free
    co_return api::no_content();
}

const api::Type<Emptied>& emptied_type() {
    static const auto type =
        Object<Emptied>("EmptiedInbox", "What was forgotten.")
            .required("recipient", &Emptied::recipient, address_type(), "Whose inbox.")
            .required("messages", &Emptied::messages, api::integer<std::uint64_t>(0, emptied_max),
                      "So many messages that had waited there.")
            .type();
    return type;
}

struct ToBeEmptied {
    std::string recipient;
};

const api::Type<ToBeEmptied>& to_be_emptied_type() {
    static const auto type =
        Object<ToBeEmptied>("InboxToBeEmptied", "Which one.")
            .required("recipient", &ToBeEmptied::recipient, address_type(), "Whose inbox.")
            .type();
    return type;
}

/// As many as wait when it begins, or a few more: some at a time, each time with a record.
Task<Result<api::Reply>> empty(Room& room, api::Call call, ToBeEmptied wanted) {
    Emptied all{.recipient = wanted.recipient};
    for (bool more = true; more && all.messages < emptied_max && !call.client_gone();) {
        auto also = audit::also<Emptied>(
            audit::act_of(call, "inbox.empty", "inbox"),
            [](audit::Record& record, const Emptied& emptied) {
                record.object_id = emptied.recipient;
                record.details.push_back({"messages", std::to_string(emptied.messages)});
            });
        const auto now = net::Loop::current()->system_now();
        GH_CO_TRY(const auto some,
                  co_await room.messages.empty(wanted.recipient, now, std::move(also)));
        all.messages += some.messages;
        more = some.messages > 0;
    }
    room.bus.ring(wanted.recipient);
    co_return api::reply(200, emptied_type(), all);
}

const api::Type<MessageRepository::Depth>& depth_type() {
    using D = MessageRepository::Depth;
    static const auto type =
        Object<D>("Inbox", "How full it is.")
            .required("recipient", &D::recipient, address_type(), "Whose it is.")
            .required("messages", &D::messages, count_type(),
                      "That wait, those given out among them.")
            .type();
    return type;
}

struct Depths {
    std::vector<MessageRepository::Depth> items;
};

const api::Type<Depths>& depths_type() {
    static const auto type =
        Object<Depths>("Inboxes", "The fullest first.")
            .required("items", &Depths::items,
                      api::list_of(depth_type(), {.items_max = 2 * inboxes_shown}), "Inboxes.")
            .type();
    return type;
}

Task<Result<api::Reply>> list_inboxes(Room& room, api::Call /*call*/) {
    Depths all;
    GH_CO_TRY(all.items, co_await room.messages.depths(inboxes_shown, inboxes_shown));
    co_return api::reply(200, depths_type(), all);
}

Object<api::Page> dead_query() {
    Object<api::Page> query("DeadLetterQuery", "Which of them.");
    api::add_page(query, "messages", 2);
    api::add_sort(query, {orders.begin(), orders.end()});
    return query;
}

std::vector<api::Route> routes_of_operators(Room& room) {
    const auto one = api::answers(200, "The message.", message_type());
    return {{.method = "GET",
             .path = "/api/v1/messages/dead",
             .access = Access::permission(Permission::messages_read),
             .handle = api::with(room, list_dead, api::query(dead_query())),
             .summary = "What was given out in vain as often as may be.",
             .answers = {api::answers(200, "A page of them.", message_page_type())}},
            {.method = "GET",
             .path = "/api/v1/messages/inboxes",
             .access = Access::permission(Permission::messages_read),
             .handle = api::with(room, list_inboxes),
             .summary = "How full inboxes are: the thousand fullest of agents, and of others.",
             .answers = {api::answers(200, "Inboxes.", depths_type())}},
            {.method = "POST",
             .path = "/api/v1/messages/inboxes/empty",
             .access = Access::permission(Permission::messages_write),
             .handle = api::with(room, empty, api::json_body(to_be_emptied_type())),
             .summary = "Forgets what waits in an inbox.",
             .answers = {api::answers(200, "It is empty.", emptied_type())}},
            {.method = "POST",
             .path = "/api/v1/messages/{message}/replay",
             .access = Access::permission(Permission::messages_write),
             .handle = api::with(room, replay),
             .summary = "Puts one that was given up back into its inbox, where it stood.",
             .answers = {one}},
            {.method = "DELETE",
             .path = "/api/v1/messages/{message}",
             .access = Access::permission(Permission::messages_write),
             .handle = api::with(room, remove),
             .summary = "Forgets one that waits, or was given up.",
             .answers = {{204, "It is gone.", "", nullptr}}}};
}

}  // namespace

std::vector<api::Route> history_routes(Room& room) {
    const auto page = api::answers(200, "A page of them.", message_page_type());
    auto routes = routes_of_operators(room);
    routes.push_back(
        {.method = "GET",
         .path = "/api/v1/message_history",
         .access = Access::agent_or(Permission::messages_read),
         .handle = api::with(room, list, api::query(history_query("HistoryQuery", true))),
         .summary = "Messages in their order, ended ones too; an agent sees its own.",
         .answers = {page}});
    routes.push_back({.method = "GET",
                      .path = "/api/v1/notifications",
                      .access = Access::agent_or(Permission::messages_read),
                      .handle = api::with(room, list_notifications,
                                          api::query(history_query("NotificationQuery", false))),
                      .summary = "Notifications in their order; an agent sees its own.",
                      .answers = {page}});
    routes.push_back({.method = "GET",
                      .path = "/api/v1/messages/{message}",
                      .access = Access::agent_or(Permission::messages_read),
                      .handle = api::with(room, show),
                      .summary = "One message, and what became of it.",
                      .answers = {api::answers(200, "The message.", message_type())}});
    return routes;
}

}  // namespace gh::bus
