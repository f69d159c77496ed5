#include "audit/log.hpp"

#include <utility>

#include "audit/sequence.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace gh::audit {
namespace {

constexpr std::string_view append_kind = "audit.append";
// Records of refused commands: refused themselves, they are no reason for another.
constexpr std::string_view reject_kind = "audit.reject";

// Of records that are written together. The journal takes them even if each byte of a line is escaped in the payload.
constexpr std::size_t group_records_max = 512;
constexpr std::size_t group_bytes_max = 400 * 1024;
static_assert(2 * (group_bytes_max + record_bytes_max) + 4 * group_records_max <
              storage::journal_payload_bytes_max);
static_assert(group_records_max <= leaves_max);

telemetry::Counter& counter(telemetry::Registry& registry, std::string_view outcome) {
    return registry
        .counter({.name = "audit_records_total",
                  .help = "Audit records that were written by themselves, by what became of them.",
                  .labels = {"outcome"}})
        .with({outcome});
}

std::string payload_of(const std::vector<Leaf>& leaves) {
    std::string payload;
    codec::json::Writer out(payload);
    out.begin_object().name("records").begin_array();
    for (const auto& leaf : leaves) out.string(leaf.line);
    out.end_array().end_object();
    return payload;
}

Result<std::vector<Leaf>> leaves_of(std::string_view payload) {
    GH_TRY(const auto value,
           codec::json::parse(payload, {.bytes_max = storage::journal_payload_bytes_max}));
    const auto* records = value.find("records");
    const auto* lines = records ? records->array() : nullptr;
    if (lines == nullptr || lines->size() > leaves_max)
        return fail(ErrorKind::invalid_argument, "audit.payload", "no list of records");
    std::vector<Leaf> leaves;
    for (const auto& line : *lines) {
        if (line.string() == nullptr)
            return fail(ErrorKind::invalid_argument, "audit.payload", "a record is no text");
        GH_TRY(auto leaf, read_leaf(*line.string()));
        leaves.push_back(std::move(leaf));
    }
    return leaves;
}

Task<Result<void>> append_all(storage::Session& session, Leaves leaves) {
    GH_CO_TRY_VOID(co_await append_leaves(session, std::move(leaves)));
    co_return Result<void>{};
}

Task<Result<void>> apply(storage::Session& session, storage::JournalRecord record) {
    GH_CO_TRY(auto leaves, leaves_of(record.payload));
    auto all = std::make_shared<const std::vector<Leaf>>(std::move(leaves));
    co_return co_await append_all(session, std::move(all));
}

Leaf leaf_of(Record record) {
    if (record.id.empty()) record.id = view(uuid_v7(record.time));
    return make_leaf(record);
}

}  // namespace

Log::Log(storage::Fallback& fallback, telemetry::Registry& registry, telemetry::Log& log)
    : fallback_(fallback),
      log_(log),
      kept_(counter(registry, "kept")),
      refused_(counter(registry, "refused")) {
    using Again = storage::Fallback::Again;
    for (const auto kind : {append_kind, reject_kind})
        fallback.on(std::string(kind), &apply, &lock_log, Again::is_harmless);
    fallback.on_rejected([this](storage::JournalRecord record, Error why) {
        return record_reject(std::move(record), std::move(why));
    });
}

Task<Result<void>> Log::lock(storage::Session& session) { co_return co_await lock_log(session); }

Task<Result<void>> Log::append(storage::Session& session, Record record) {
    std::vector<Leaf> one;
    one.push_back(leaf_of(std::move(record)));
    auto all = std::make_shared<const std::vector<Leaf>>(std::move(one));
    co_return co_await append_all(session, std::move(all));
}

Task<Result<void>> Log::append(Record record) {
    net::Answer<Result<void>> answer(*net::Loop::current());
    Waiting waiting{leaf_of(std::move(record)), answer.giver()};
    bool first = false;
    {
        const std::scoped_lock lock(mutex_);
        if (waiting_.size() >= waiting_max) {
            refused_.add();
            co_return fail(ErrorKind::exhausted, "audit.busy",
                           "too many records wait for the database");
        }
        waiting_.push_back(std::move(waiting));
        first = !std::exchange(writing_, true);
    }
    if (first) spawn(write_waiting());
    co_return co_await answer.wait();
}

std::vector<Log::Waiting> Log::next_group() {
    const std::scoped_lock lock(mutex_);
    std::vector<Waiting> group;
    for (std::size_t bytes = 0;
         !waiting_.empty() && group.size() < group_records_max && bytes < group_bytes_max;) {
        bytes += waiting_.front().leaf.line.size();
        group.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    writing_ = !group.empty();
    return group;
}

Task<> Log::write_waiting() {
    // Who is ready to record in this turn, or was just answered, comes along.
    auto& loop = *net::Loop::current();
    co_await net::Sleep(loop, milliseconds(0));
    for (auto group = next_group(); !group.empty(); group = next_group()) {
        std::vector<Leaf> leaves;
        for (auto& each : group) leaves.push_back(std::move(each.leaf));
        auto done = co_await submit(std::string(append_kind), std::move(leaves));
        (done ? kept_ : refused_).add(group.size());
        for (auto& each : group) each.give(done);
        co_await net::Sleep(loop, milliseconds(0));
    }
}

Task<Result<void>> Log::submit(std::string kind, std::vector<Leaf> leaves) {
    const auto now = net::Loop::current()->system_now();
    const auto all = std::make_shared<const std::vector<Leaf>>(std::move(leaves));
    storage::Fallback::Direct direct = [all](storage::Session& session) {
        return append_all(session, all);
    };
    storage::Fallback::Payload payload = [all] { return payload_of(*all); };
    co_return co_await fallback_.submit(std::move(kind), now, std::move(direct),
                                        std::move(payload));
}

/// Whatever kind it was, that an acknowledged write did not come to pass is itself worth a record.
Task<> Log::record_reject(storage::JournalRecord record, Error why) {
    if (record.kind == reject_kind) co_return;
    Record reject{.id = record.id,  // told again after a crash, it is the same record
                  .time = net::Loop::current()->system_now(),
                  .severity = Severity::high,
                  .actor_type = access::PrincipalType::service,
                  .actor = "gatehouse",
                  .act = {},
                  .action = "journal.reject",
                  .object_type = "journal_record",
                  .object_id = record.id,
                  .outcome = Outcome::failure,
                  .request_id = {},
                  .correlation_id = {},
                  .client = {},
                  .details = {{"kind", record.kind}, {"reason", std::string(why.reason)}}};
    std::vector<Leaf> one;
    one.push_back(make_leaf(reject));
    const auto done = co_await submit(std::string(reject_kind), std::move(one));
    (done ? kept_ : refused_).add();
    if (!done) log_.error("audit", "a refused write could not be recorded").error(done.error());
}

}  // namespace gh::audit
