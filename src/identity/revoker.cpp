#include "identity/revoker.hpp"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "audit/log.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "identity/key_repository.hpp"
#include "identity/user_repository.hpp"

namespace gh::identity {
namespace {

constexpr std::string_view command_kind = "identity.revoke";

/// What the journal keeps of it besides the moment.
struct Wish {
    RevocationKind kind{};
    std::string value;
    std::string audit_line;
};

std::string payload_of(const Wish& wish) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object();
    out.name("kind").string(name_of(wish.kind));
    out.name("value").string(wish.value);
    out.name("record").string(wish.audit_line);
    out.end_object();
    return text;
}

Result<Wish> wish_of(std::string_view payload) {
    GH_TRY(const auto read, codec::json::parse(payload));
    const auto* kind = read.find_string("kind");
    const auto* value = read.find_string("value");
    const auto known = kind ? revocation_kind_of(*kind) : std::nullopt;
    const auto* record = read.find_string("record");
    if (!known || !value || value->empty() || !record)
        return fail(ErrorKind::invalid_argument, "revocation.malformed");
    return Wish{*known, *value, *record};
}

/// What it means for who has not read the database. Of a key every secret: none comes after it.
Revocation revocation_of(Wish wish, SystemTime at) {
    const auto before = wish.kind == RevocationKind::key ? SystemTime::max() : next_millisecond(at);
    return {wish.kind, std::move(wish.value), before, at + token_lifetime_max};
}

Task<Result<void>> end_rows(storage::Session& session, Wish wish, SystemTime at) {
    // Recorded as of now, not as of then: other nodes ask for what is new.
    const auto now = std::chrono::system_clock::now();
    if (wish.kind == RevocationKind::key) {
        GH_CO_TRY_VOID(co_await KeyRepository::revoke(session, std::move(wish.value), at, now));
        co_return Result<void>{};
    }
    if (wish.kind == RevocationKind::subject)
        co_return co_await UserRepository::end_tokens(session, std::move(wish.value), at, now);
    auto revocation = revocation_of(std::move(wish), at);
    co_return co_await RevocationRepository::record(session, std::move(revocation), now);
}

Task<Result<void>> apply(storage::Session& session, storage::JournalRecord record) {
    GH_CO_TRY(auto wish, wish_of(record.payload));
    GH_CO_TRY(auto told, audit::parse_record(wish.audit_line));
    GH_CO_TRY_VOID(co_await end_rows(session, std::move(wish), record.at));
    co_return co_await audit::Log::append(session, std::move(told));
}

}  // namespace

Revoker::Revoker(storage::Fallback& fallback, RevocationSource& source)
    : fallback_(fallback), source_(source) {
    fallback.on(std::string(command_kind), &apply, &audit::Log::lock);
}

Task<Result<void>> Revoker::end(RevocationKind kind, std::string value, SystemTime now,
                                audit::Record record) {
    if (record.id.empty()) record.id = view(uuid_v7(now));
    Wish wish{kind, std::move(value), audit::encode_record(record)};
    storage::Command command{.kind = std::string(command_kind), .payload = payload_of(wish)};
    source_.add({revocation_of(std::move(wish), now)}, now);
    co_return co_await fallback_.submit(std::move(command), now);
}

Result<void> Revoker::recall(SystemTime now) {
    std::vector<Revocation> waiting;
    GH_TRY_VOID(fallback_.each_waiting([&waiting](const storage::JournalRecord& record) {
        if (record.kind != command_kind) return;
        // A malformed one is for the database to refuse.
        if (auto wish = wish_of(record.payload))
            waiting.push_back(revocation_of(*std::move(wish), record.at));
    }));
    source_.add(waiting, now);
    return {};
}

}  // namespace gh::identity
