#include "bus/bus.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/try.hpp"
#include "bus/journalled.hpp"
#include "codec/uuid.hpp"
#include "net/loop.hpp"
#include "net/within.hpp"
#include "telemetry/trace.hpp"

namespace gh::bus {
namespace {

constexpr std::string_view acknowledge_kind = "bus.acknowledge";
constexpr std::size_t names_max = 10'000;
constexpr seconds name_known{30};
// What another node has committed by then may bear a time that lies so far back.
constexpr seconds looks_back{5};
constexpr seconds clean_every{5};
constexpr seconds measure_every{5};
// Whoever got no answer sends again within that time: however full the house is, its ids are known.
constexpr std::chrono::minutes ids_known{10};
constexpr int purges_max = 100;  // of one round

SystemTime system_now() { return net::Loop::current()->system_now(); }

}  // namespace

Bus::Bus(Parts parts)
    : database_(parts.database),
      fallback_(parts.fallback),
      name_of_agent_(std::move(parts.name_of_agent)),
      config_(std::move(parts.config)),
      log_(parts.log),
      counters_(parts.registry),
      messages_(database_),
      writer_(database_) {
    // A message that has ended is not ended again.
    fallback_.on(
        std::string(acknowledge_kind),
        [this](storage::Session& session, storage::JournalRecord record) {
            return acknowledge_from_journal(session, std::move(record));
        },
        &bus::lock, storage::Fallback::Again::is_harmless);
}

Limits Bus::limits() const {
    return {.inbox_messages_max = config_.inbox_messages_max,
            .bytes_max = static_cast<std::int64_t>(config_.bytes_max)};
}

Task<Result<std::optional<std::string>>> Bus::name_of(std::string address) {
    const auto now = net::Loop::current()->now();
    {
        const std::scoped_lock lock(mutex_);
        const auto known = names_.find(address);
        if (known != names_.end() && now < known->second.until) co_return known->second.name;
    }
    GH_CO_TRY(auto name, co_await name_of_agent_(address));
    const std::scoped_lock lock(mutex_);
    if (names_.size() >= names_max) names_.clear();
    names_.insert_or_assign(std::move(address), Named{name, now + name_known});
    co_return name;
}

Task<Result<bool>> Bus::knows(std::string address) {
    if (!codec::is_uuid(address)) co_return true;
    GH_CO_TRY(const auto name, co_await name_of(std::move(address)));
    co_return name.has_value();
}

Task<Result<std::string_view>> Bus::judge(Draft& draft) {
    std::vector<std::string> names;
    for (const auto* address : {&draft.recipient, &draft.sender}) {
        if (!codec::is_uuid(*address)) continue;
        const bool matters = address == &draft.recipient || draft.conversation_id;
        if (!matters) continue;
        GH_CO_TRY(auto name, co_await name_of(*address));
        if (!name && address == &draft.recipient) co_return "bus.recipient_unknown";
        if (name) names.push_back(*std::move(name));
    }
    draft.conversation_max = conversation_limit(config_, names);
    co_return std::string_view{};
}

Task<Result<std::vector<Sent>>> Bus::send(std::vector<Draft> drafts) {
    telemetry::Span span("bus.send");
    span.attribute("messaging.batch.message_count", static_cast<std::int64_t>(drafts.size()));
    std::vector<Sent> all(drafts.size());
    std::vector<Draft> good;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        GH_CO_TRY(all[i].refusal, co_await judge(drafts[i]));
        all[i].id = drafts[i].id;
        if (!all[i].refusal.empty()) continue;
        places.push_back(i);
        good.push_back(drafts[i]);
    }
    auto body = [good = std::move(good), limits = limits(), now = system_now()](
                    storage::Session& session) { return bus::send(session, good, limits, now); };
    GH_CO_TRY(auto sent, co_await writer_.write(std::move(body)));
    for (std::size_t i = 0; i < sent.size(); ++i) all[places[i]] = std::move(sent[i]);
    for (std::size_t i = 0; i < all.size(); ++i) {
        counters_.sent(drafts[i], all[i]);
        if (all[i].refusal.empty() && all[i].is_new) bell_.ring(drafts[i].recipient);
    }
    co_return all;
}

Task<Result<Batch>> Bus::receive(std::string recipient, std::size_t messages_max,
                                 std::optional<milliseconds> lease) {
    // What was acknowledged meanwhile is not in the database yet.
    const auto journalled = journalled_.load();
    if (fallback_.backlog().records > 0) co_return Batch{};
    Wish wish{.recipient = std::move(recipient),
              .messages_max = std::min(messages_max, batch_messages_max),
              .lease = lease.value_or(config_.lease),
              .deliveries_max = config_.deliveries_max};
    auto body = [wish, now = system_now()](storage::Session& session) {
        return bus::receive(session, wish, now);
    };
    GH_CO_TRY(auto batch, co_await writer_.write(std::move(body)));
    const bool journals = journalled_.load() != journalled || fallback_.backlog().records > 0;
    if (journals && !batch.messages.empty()) {
        GH_CO_TRY_VOID(co_await release(wish.recipient, batch.receipt));
        co_return Batch{};
    }
    counters_.given_out(batch, system_now());
    for (const auto& id : batch.dead) {
        log_.warning("bus", "a message was given up after as many deliveries as it may have")
            .field("message", id)
            .field("recipient", wish.recipient);
    }
    co_return batch;
}

Task<Result<void>> Bus::acknowledge(std::string recipient, std::vector<std::string> ids) {
    const auto now = system_now();
    if (fallback_.backlog().records == 0) {
        auto body = [recipient, ids, now](storage::Session& session) {
            return bus::acknowledge(session, recipient, ids, now);
        };
        auto writing = writer_.write(std::move(body));
        auto done = co_await net::within(storage::Fallback::patience, "storage.patience",
                                         std::move(writing));
        if (done) bell_.ring(recipient);  // its line may be free
        if (done) co_return Result<void>{};
        if (!storage::is_away(done.error())) co_return std::unexpected(std::move(done).error());
    }
    ++journalled_;
    storage::Command command{
        .kind = std::string(acknowledge_kind),
        .payload = payload_of({.recipient = recipient, .ids = ids, .at = now})};
    GH_CO_TRY_VOID(co_await fallback_.submit(std::move(command), now));
    ring_later(recipient);
    co_return Result<void>{};
}

Task<Result<void>> Bus::acknowledge_from_journal(storage::Session& session,
                                                 storage::JournalRecord record) {
    GH_CO_TRY(auto read, acknowledgement_of(record.payload));
    GH_CO_TRY_VOID(
        co_await bus::acknowledge(session, read.recipient, std::move(read.ids), read.at));
    ring_later(read.recipient);
    co_return Result<void>{};
}

void Bus::ring_later(const std::string& recipient) {
    const std::scoped_lock lock(mutex_);
    if (to_ring_.size() < names_max) to_ring_.insert(recipient);
}

Task<Result<bool>> Bus::give_back(std::string recipient, std::string receipt,
                                  std::vector<std::string> ids, milliseconds delay) {
    auto body = [recipient, receipt, ids, delay, now = system_now()](storage::Session& session) {
        return bus::give_back(session, recipient, receipt, ids, delay, now);
    };
    GH_CO_TRY(const bool given, co_await writer_.write(std::move(body)));
    bell_.ring(recipient);
    co_return given;
}

Task<Result<bool>> Bus::renew(std::string recipient, std::string receipt, milliseconds lease) {
    auto body = [recipient, receipt, lease, now = system_now()](storage::Session& session) {
        return bus::renew(session, recipient, receipt, lease, now);
    };
    co_return co_await writer_.write(std::move(body));
}

Task<Result<bool>> Bus::release(std::string recipient, std::string receipt) {
    auto body = [recipient, receipt](storage::Session& session) {
        return bus::release(session, recipient, receipt);
    };
    GH_CO_TRY(const bool released, co_await writer_.write(std::move(body)));
    bell_.ring(recipient);
    co_return released;
}

Task<Result<void>> Bus::lock(storage::Session& session) { return bus::lock(session); }

Task<Result<void>> Bus::post(storage::Session& session, outbox::Notice notice) {
    co_return co_await bus::post(session, std::move(notice), limits(),
                                 std::chrono::system_clock::now());
}

void Bus::committed(const outbox::Notice& notice) {
    counters_.notified(notice.is_task ? Kind::task : Kind::notification, notice.recipient,
                       notice.type);
}

Task<Result<void>> Bus::ring_for_due(SystemTime now) {
    std::set<std::string> later;
    {
        const std::scoped_lock lock(mutex_);
        later.swap(to_ring_);
    }
    for (const auto& recipient : later) bell_.ring(recipient);
    const auto since = std::min(rung_until_.value_or(now), now) - looks_back;
    GH_CO_TRY(const auto awake, co_await messages_.awake(since, now));
    rung_until_ = now;
    // Rather once too often than somebody not at all.
    if (awake.size() >= MessageRepository::awake_max) bell_.ring_all();
    for (const auto& recipient : awake) bell_.ring(recipient);
    co_return Result<void>{};
}

Task<Result<void>> Bus::clean(SystemTime now) {
    for (int i = 0; i < purges_max; ++i) {
        GH_CO_TRY(const auto expired, co_await messages_.expire(now));
        counters_.expired(expired);
        if (expired < MessageRepository::ended_at_once) break;
    }
    for (int i = 0; i < purges_max; ++i) {
        GH_CO_TRY(const auto bytes, co_await messages_.bytes());
        const bool nearly_full = bytes > limits().bytes_max / 10 * 9;
        const auto done_since =
            now - (nearly_full ? std::min<seconds>(config_.history_kept, ids_known)
                               : config_.history_kept);
        const MessageRepository::Kept kept{.done_since = done_since,
                                           .dead_since = now - config_.dead_letters_kept};
        GH_CO_TRY(const auto forgotten, co_await messages_.purge(kept));
        if (forgotten < MessageRepository::ended_at_once) break;
    }
    co_return Result<void>{};
}

Task<Result<void>> Bus::keep(SystemTime now, SteadyTime steady) {
    GH_CO_TRY_VOID(co_await ring_for_due(now));
    if (!cleaned_ || steady - *cleaned_ >= clean_every) {
        GH_CO_TRY_VOID(co_await clean(now));
        cleaned_ = steady;
    }
    if (!measured_ || steady - *measured_ >= measure_every) {
        GH_CO_TRY(auto depths, co_await messages_.depths(Counters::queues_max));
        counters_.set_depths(std::move(depths));
        measured_ = steady;
    }
    co_return Result<void>{};
}

}  // namespace gh::bus
