#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "app/bus_command.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "bus/message_repository.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"

namespace gh::app {
namespace {

using bus::Message;
using bus::MessageRepository;

constexpr std::size_t inboxes_max = 1'000;

Error in_words(Error error, const BusOptions& options) {
    const auto quoted = config::quote(options.name);
    if (error.reason == "message.unknown")
        error.detail = fmt::format("there is no message {}", quoted);
    if (error.reason == "message.over") error.detail = fmt::format("{} has ended", quoted);
    if (error.reason == "message.not_dead")
        error.detail = fmt::format(
            "{} was not given up; gatehouse messages dead shows those that were", quoted);
    return error;
}

std::string json_of(const std::vector<Message>& all) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& message : all) {
        out.begin_object().name("id").string(message.id).name("kind").string(name_of(message.kind));
        out.name("state").string(name_of(message.state));
        out.name("recipient").string(message.recipient).name("sender").string(message.sender);
        if (message.conversation_id) out.name("conversation_id").string(*message.conversation_id);
        out.name("type").string(message.type).name("body").raw(message.body);
        out.name("deliveries").integer(message.deliveries);
        out.name("created_at").string(config::time_text(message.created_at)).end_object();
    }
    out.end_array();
    return text + "\n";
}

std::string table_of(const std::vector<Message>& all) {
    std::string text;
    for (const auto& message : all) {
        fmt::format_to(std::back_inserter(text), "{}  {:<24} {:<12} {:<8} {:<36}  {:<36}  {}\n",
                       message.id, config::time_text(message.created_at), name_of(message.kind),
                       name_of(message.state), message.sender, message.recipient, message.type);
    }
    return text;
}

/// As many as are wanted, page by page.
Task<Result<std::vector<Message>>> list_all(MessageRepository& messages, bus::MessagePage page) {
    std::vector<Message> all;
    const auto wanted = page.limit;
    do {
        GH_CO_TRY(auto some, co_await messages.list(page));
        std::ranges::move(some.messages, std::back_inserter(all));
        page.after = some.next;
        page.limit = wanted - all.size();
    } while (page.after && page.limit > 0);
    co_return all;
}

CommandResult listed(const Overrides& overrides, const Surroundings& surroundings,
                     const BusOptions& options, bool dead_only) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    bus::MessagePage page{.newest_first = true, .limit = options.limit, .dead_only = dead_only};
    if (!options.recipient.empty()) page.recipient = options.recipient;
    if (!options.conversation.empty()) page.conversation_id = options.conversation;
    MessageRepository messages(*(*verb)->state->database);
    auto found = net::run_to_end(list_all(messages, std::move(page)));
    if (!found) return failed(found.error());
    std::ranges::reverse(*found);
    return {.exit_code = 0, .out = options.json ? json_of(*found) : table_of(*found), .err = {}};
}

storage::Also<Message> recorded(std::string action) {
    return audit::also<Message>(audit::act_of_shell(std::move(action), "message"),
                                [](audit::Record& record, const Message& message) {
                                    record.object_id = message.id;
                                    record.details.push_back({"recipient", message.recipient});
                                    record.details.push_back({"sender", message.sender});
                                });
}

CommandResult told(const Result<Message>& done, const BusOptions& options, std::string_view what) {
    if (!done) return failed(in_words(done.error(), options));
    return {.exit_code = 0, .out = {}, .err = fmt::format("{} {}\n", options.name, what)};
}

}  // namespace

CommandResult messages_history(const Overrides& overrides, const Surroundings& surroundings,
                               const BusOptions& options) {
    return listed(overrides, surroundings, options, false);
}

CommandResult messages_dead(const Overrides& overrides, const Surroundings& surroundings,
                            const BusOptions& options) {
    return listed(overrides, surroundings, options, true);
}

CommandResult messages_inboxes(const Overrides& overrides, const Surroundings& surroundings,
                               const BusOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    MessageRepository messages(*(*verb)->state->database);
    const auto found = net::run_to_end(messages.depths(inboxes_max, inboxes_max));
    if (!found) return failed(found.error());
    std::string table, json;
    codec::json::Writer out(json);
    out.begin_array();
    for (const auto& inbox : *found) {
        fmt::format_to(std::back_inserter(table), "{:>8}  {}\n", inbox.messages, inbox.recipient);
        out.begin_object().name("recipient").string(inbox.recipient);
        out.name("messages").integer(inbox.messages).end_object();
    }
    out.end_array();
    return {.exit_code = 0, .out = options.json ? json + "\n" : table, .err = {}};
}

CommandResult messages_replay(const Overrides& overrides, const Surroundings& surroundings,
                              const BusOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    MessageRepository messages(*(*verb)->state->database);
    const auto at = std::chrono::system_clock::now();
    const auto kept = (*verb)->settings.bus.waiting_kept;
    return told(
        net::run_to_end(messages.replay(options.name, at, kept, recorded("message.replay"))),
        options, "is back in its inbox");
}

CommandResult messages_delete(const Overrides& overrides, const Surroundings& surroundings,
                              const BusOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    MessageRepository messages(*(*verb)->state->database);
    const auto at = std::chrono::system_clock::now();
    return told(net::run_to_end(messages.remove(options.name, at, recorded("message.delete"))),
                options, "is forgotten");
}

CommandResult messages_empty(const Overrides& overrides, const Surroundings& surroundings,
                             const BusOptions& options) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    MessageRepository messages(*(*verb)->state->database);
    std::uint64_t all = 0;
    for (bool more = true; more;) {
        auto also = audit::also<bus::Emptied>(
            audit::act_of_shell("inbox.empty", "inbox"),
            [](audit::Record& record, const bus::Emptied& emptied) {
                record.object_id = emptied.recipient;
                record.details.push_back({"messages", std::to_string(emptied.messages)});
            });
        const auto at = std::chrono::system_clock::now();
        const auto some = net::run_to_end(messages.empty(options.name, at, std::move(also)));
        if (!some) return failed(some.error());
        all += some->messages;
        more = some->messages > 0;
    }
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("{} messages for {} are forgotten\n", all, options.name)};
}

}  // namespace gh::app
