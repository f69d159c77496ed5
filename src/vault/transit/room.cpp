#include "vault/transit/room.hpp"

#include <optional>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "vault/transit/answer.hpp"

namespace gh::vault::transit {
namespace {

/// Another node may be faster, and a key be deleted meanwhile.
bool is_failure(const Error& error) {
    return error.reason != "transit.changed" && error.reason != "transit.unknown";
}

}  // namespace

storage::Also<KeyChange> recorded(audit::Record record) {
    return audit::also<KeyChange>(
        std::move(record), [](audit::Record& told, const KeyChange& change) {
            told.object_id = change.facts.key.name;
            told.details.push_back({"type", std::string(name_of(change.facts.key.type))});
            told.details.push_back({"version", std::int64_t{change.facts.latest}});
            if (change.facts.min_available > 0)
                told.details.push_back({"from_version", std::int64_t{change.facts.min_available}});
            if (change.facts.key.exportable) told.details.push_back({"exportable", true});
            if (change.facts.deletion_allowed) told.details.push_back({"deletion_allowed", true});
        });
}

Task<Result<Material>> generate(const net::WorkPool& pool, KeyType type, std::uint32_t key_bytes) {
    if (!is_slow(type)) co_return Material::generate(type, key_bytes);
    auto work = [type, key_bytes]() -> Result<Material> {
        return Material::generate(type, key_bytes);
    };
    co_return co_await pool.run(std::move(work));
}

Task<Result<KeyChange>> rotate(TransitRoom& room, KeyFacts facts, SystemTime now,
                               audit::Record record) {
    GH_CO_TRY_VOID(check_rotation(facts));
    GH_CO_TRY(auto material, co_await generate(room.making, facts.key.type, facts.key.key_bytes));
    const auto name = facts.key.name;
    auto also = recorded(std::move(record));
    auto changed =
        co_await room.keys.rotate(std::move(facts), std::move(material), now, std::move(also));
    room.open.forget(name);
    co_return changed;
}

Task<Result<std::uint64_t>> rotate_due(TransitRoom& room, SystemTime now) {
    GH_CO_TRY(const auto due, co_await room.keys.due(now));
    std::uint64_t rotated = 0;
    std::optional<Error> first;
    for (const auto& facts : due) {
        auto record = audit::act_of_house("transit.rotate", "transit key");
        const auto done = co_await rotate(room, facts, now, std::move(record));
        if (done) {
            ++rotated;
        } else if (!first && is_failure(done.error())) {
            first = done.error();
        }
    }
    if (first) co_return std::unexpected(*std::move(first));
    co_return rotated;
}

Result<api::Reply> told(Error error) {
    if (error.reason == "transit.unknown") return refused(404, error.reason, {});
    if (error.reason.starts_with("transit.") &&
        (error.kind == ErrorKind::invalid_argument || error.kind == ErrorKind::conflict ||
         error.kind == ErrorKind::not_found))
        return refused(400, error.reason, error.detail);
    return std::unexpected(std::move(error));
}

Answered answered(TransitRoom& room, Entry entry, std::string_view body, Handler handler) {
    auto reply = co_await handler(room, std::move(entry), body);
    if (reply) co_return reply;
    co_return told(std::move(reply).error());
}

}  // namespace gh::vault::transit
