#include "bus/counters.hpp"

#include <algorithm>
#include <utility>

#include "bus/inbox.hpp"
#include "codec/uuid.hpp"

namespace gh::bus {

Counters::Counters(telemetry::Registry& registry)
    : sent_(registry.counter({.name = "gatehouse_messages_sent_total",
                              .help = "Messages that were sent, by kind.",
                              .labels = {"kind"}})),
      refused_(registry.counter({.name = "gatehouse_messages_refused_total",
                                 .help = "Messages that were not sent, by reason.",
                                 .labels = {"reason"}})),
      notifications_(registry.counter({.name = "vos_agent_notifications_total",
                                       .help = "Notifications, tasks' among them, by the agent "
                                               "they are for; those for others by what these are.",
                                       .labels = {"agent_id", "notification_type"},
                                       .series_max = series_max + agents_max})),
      tasks_(registry.counter({.name = "vos_task_operations_total",
                               .help = "Tasks that were made, changed and deleted.",
                               .labels = {"operation"}})),
      redelivered_(registry.one_counter("gatehouse_message_redeliveries_total",
                                        "Messages that were given out once more.")),
      dead_(registry.one_counter("gatehouse_messages_dead_total",
                                 "Messages that were given up after as many deliveries.")),
      expired_(registry.one_counter("gatehouse_messages_expired_total",
                                    "Messages that nobody wanted in time.")),
      delivery_(registry
                    .histogram(
                        {.name = "gatehouse_message_delivery_seconds",
                         .help = "From a message's sending, or when it was due, until it was given "
                                 "out first.",
                         .labels = {}})
                    .with({})) {
    for (const auto* operation : {"create", "update", "delete"}) tasks_.with({operation}).add(0);
    registry.collect({.name = "rabbitmq_queue_messages",
                      .help = "Messages that wait in an inbox, those given out among them; all "
                              "agents', and the fullest thousand of others.",
                      .labels = {"queue"},
                      .series_max = agents_max + others_max},
                     telemetry::MetricType::gauge, [this](telemetry::Samples& samples) {
                         const std::scoped_lock lock(depths_mutex_);
                         for (const auto& each : depths_)
                             samples.add({each.recipient}, static_cast<double>(each.messages));
                     });
}

std::string_view Counters::type_shown(std::string_view sender, std::string_view agent,
                                      std::string_view type) {
    const std::scoped_lock lock(series_mutex_);
    std::pair<std::string, std::string> one(agent, type);
    if (series_.contains(one)) return type;
    if (series_.size() >= series_max) return "other";
    if (sender != house_sender) {
        auto& made = series_of_[std::string(sender)];
        if (made >= series_of_sender_max) return "other";
        ++made;
    }
    series_.insert(std::move(one));
    return type;
}

void Counters::notified(Kind kind, std::string_view sender, std::string_view recipient,
                        std::string_view type) {
    sent_.with({name_of(kind)}).add();
    if (kind == Kind::message) return;
    // There are so many agents; of others a sender can make up any number.
    const auto agent =
        codec::is_uuid(recipient) ? recipient : recipient.substr(0, recipient.find(':'));
    notifications_.with({agent, type_shown(sender, agent, type)}).add();
}

void Counters::sent(const Draft& draft, const Sent& sent) {
    if (!sent.refusal.empty()) {
        refused_.with({sent.refusal}).add();
    } else if (sent.is_new) {
        notified(draft.kind, draft.sender, draft.recipient, draft.type);
    }
}

void Counters::given_out(const Batch& batch, SystemTime now) {
    dead_.add(batch.dead.size());
    for (const auto& message : batch.messages) {
        if (message.deliveries > 1) {
            redelivered_.add();
        } else {
            delivery_.observe(std::chrono::duration_cast<std::chrono::nanoseconds>(
                now -
                std::max(message.created_at, message.deliver_at.value_or(message.created_at))));
        }
    }
}

void Counters::set_depths(std::vector<MessageRepository::Depth> depths) {
    const std::scoped_lock lock(depths_mutex_);
    depths_ = std::move(depths);
}

}  // namespace gh::bus
