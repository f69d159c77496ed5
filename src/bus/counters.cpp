#include "bus/counters.hpp"

#include <algorithm>
#include <utility>

namespace gh::bus {

Counters::Counters(telemetry::Registry& registry)
    : sent_(registry.counter({.name = "gatehouse_messages_sent_total",
                              .help = "Messages that were sent, by kind.",
                              .labels = {"kind"}})),
      refused_(registry.counter({.name = "gatehouse_messages_refused_total",
                                 .help = "Messages that were not sent, by reason.",
                                 .labels = {"reason"}})),
      notifications_(registry.counter({.name = "vos_agent_notifications_total",
                                       .help = "Notifications, tasks' among them, by recipient.",
                                       .labels = {"agent_id", "notification_type"}})),
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
                      .help = "Messages that wait in an inbox, those given out among them; the "
                              "fullest thousand.",
                      .labels = {"queue"},
                      .series_max = queues_max},
                     telemetry::MetricType::gauge, [this](telemetry::Samples& samples) {
                         const std::scoped_lock lock(depths_mutex_);
                         for (const auto& each : depths_)
                             samples.add({each.recipient}, static_cast<double>(each.messages));
                     });
}

void Counters::notified(Kind kind, std::string_view recipient, std::string_view type) {
    sent_.with({name_of(kind)}).add();
    if (kind != Kind::message) notifications_.with({recipient, type}).add();
}

void Counters::sent(const Draft& draft, const Sent& sent) {
    if (!sent.refusal.empty()) {
        refused_.with({sent.refusal}).add();
    } else if (sent.is_new) {
        notified(draft.kind, draft.recipient, draft.type);
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
