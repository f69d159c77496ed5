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
// As long as another node, or the shell, may have retired an agent without this one hearing of it.
constexpr seconds name_known{5};

SystemTime system_now() { return net::Loop::current()->system_now(); }

}  // namespace

Bus::Bus(Parts parts)
    : database_(parts.database),
      fallback_(parts.fallback),
      name_of_agent_(std::move(parts.name_of_agent)),
      has_owner_(std::move(parts.has_owner)),
      config_(std::move(parts.config)),
      limits_(limits_of(config_)),
      log_(parts.log),
      counters_(parts.registry),
      messages_(database_),
      tasks_(database_, task_limits_of(config_)),
      writer_(database_),
      sender_(writer_, limits_) {
    // A message that has ended is not ended again.
    fallback_.on(
        std::string(acknowledge_kind),
        [this](storage::Session& session, storage::JournalRecord record) {
            return acknowledge_from_journal(session, std::move(record));
        },
        &bus::lock, storage::Fallback::Again::is_harmless);
}

Task<Result<std::optional<std::string>>> Bus::name_of(std::string address) {
    const auto now = net::Loop::current()->now();
    {
        const std::scoped_lock lock(mutex_);
        const auto known = names_.find(address);
        if (known != names_.end() && now < known->second.until) co_return known->second.name;
    }
    GH_CO_TRY(auto name, co_await name_of_agent_(address));
    if (!name) co_return name;  // it may be announced in a moment
    const std::scoped_lock lock(mutex_);
    if (names_.size() >= names_max) names_.clear();
    names_.insert_or_assign(std::move(address), Named{name, now + name_known});
    co_return name;
}

Task<Result<bool>> Bus::knows(std::string address) {
    const bool is_agent = codec::is_uuid(address);
    if (address.empty() || (!is_agent && !has_owner_)) co_return true;
    if (!is_agent) co_return co_await has_owner_(std::move(address));
    GH_CO_TRY(const auto name, co_await name_of(std::move(address)));
    co_return name.has_value();
}

Task<Result<std::string_view>> Bus::judge(Draft& draft) {
    if (draft.deliver_at && *draft.deliver_at > system_now() + deliver_at_most)
        co_return "bus.deliver_at";
    if (!codec::is_uuid(draft.recipient)) {
        GH_CO_TRY(const bool known, co_await knows(draft.recipient));
        if (!known) co_return "bus.recipient_unknown";
    }
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

Task<Result<void>> Bus::forgive_if_sent(const Draft& draft, Sent& sent) {
    const auto known = co_await messages_.find(draft.id);
    if (known && is_same(*known, draft))
        sent = {.refusal = {}, .id = draft.id, .created_at = known->created_at, .is_new = false};
    if (known || known.error().kind == ErrorKind::not_found) co_return Result<void>{};
    co_return std::unexpected(known.error());
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
        if (!all[i].refusal.empty() && !all[i].id.empty())
            GH_CO_TRY_VOID(co_await forgive_if_sent(drafts[i], all[i]));
        if (!all[i].refusal.empty() || !all[i].is_new) continue;
        places.push_back(i);
        good.push_back(drafts[i]);
    }
    std::vector<Sent> sent;
    if (!good.empty()) {
        GH_CO_TRY(sent, co_await sender_.send(std::move(good), system_now()));
    }
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
    if (fallback_.backlog().records > 0) {
        looked_in_vain_ = true;
        co_return Batch{};
    }
    const auto now = system_now();
    // Most who look find nothing: they hold up nobody who writes.
    auto look = [recipient, now](storage::Session& session) {
        return bus::has_some(session, recipient, now);
    };
    GH_CO_TRY(const bool some, co_await database_.read(std::move(look)));
    if (!some) co_return Batch{};
    Wish wish{.recipient = std::move(recipient),
              .messages_max = std::min(messages_max, batch_messages_max),
              .lease = lease.value_or(config_.lease),
              .deliveries_max = config_.deliveries_max};
    auto body = [wish, now](storage::Session& session) { return bus::receive(session, wish, now); };
    GH_CO_TRY(auto batch, co_await writer_.write(std::move(body)));
    const bool journals = journalled_.load() != journalled || fallback_.backlog().records > 0;
    if (journals && !batch.messages.empty()) {
        looked_in_vain_ = true;
        GH_CO_TRY_VOID(co_await take_back(wish.recipient, batch));
        co_return Batch{};
    }
    // There may be a good one behind so many that were given up.
    if (batch.messages.empty() && !batch.dead.empty()) bell_.ring(wish.recipient);
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
            return bus::acknowledge(session, recipient, ids, now, now);
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
    // Other nodes hear of its line by when it was used.
    const auto now = std::max(read.at, std::chrono::system_clock::now());
    GH_CO_TRY_VOID(
        co_await bus::acknowledge(session, read.recipient, std::move(read.ids), read.at, now));
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

Task<Result<bool>> Bus::take_back(std::string recipient, const Batch& batch) {
    auto body = [recipient, receipt = batch.receipt,
                 last = batch.messages.back().position](storage::Session& session) {
        return bus::take_back(session, recipient, receipt, last);
    };
    GH_CO_TRY(const bool released, co_await writer_.write(std::move(body)));
    bell_.ring(recipient);
    co_return released;
}

Task<Result<void>> Bus::lock(storage::Session& session) { return bus::lock(session); }

Task<Result<void>> Bus::post(storage::Session& session, outbox::Notice notice) {
    co_return co_await bus::post(session, std::move(notice), limits_,
                                 std::chrono::system_clock::now());
}

void Bus::committed(const outbox::Notice& notice) {
    counters_.notified(notice.is_task ? Kind::task : Kind::notification, notice.sender,
                       notice.recipient, notice.type);
}

}  // namespace gh::bus
