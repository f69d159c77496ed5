#include "identity/revocations.hpp"

#include <algorithm>
#include <array>

#include "base/id.hpp"

namespace gh::identity {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert{
    .name = "revocations.add",
    .sql =
        "INSERT INTO revocations (id, kind, value, issued_before, expires_at, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)"};
constexpr Statement select_since{
    .name = "revocations.list",
    .sql =
        "SELECT kind, value, issued_before, expires_at FROM revocations "
        "WHERE created_at >= $1 AND expires_at > $2"};
constexpr Statement delete_expired{.name = "revocations.clean",
                                   .sql = "DELETE FROM revocations WHERE expires_at <= $1"};

constexpr std::array<std::string_view, 4> kind_names{"token", "subject", "client", "key"};

std::string key_of(RevocationKind kind, std::string_view value) {
    std::string key(1, name_of(kind).front());
    // Whoever ends a user's tokens without the database may not know how the name is written there.
    key += kind == RevocationKind::subject ? folded(value) : std::string(value);
    return key;
}

/// Nothing for a kind that a newer program made.
std::optional<Revocation> revocation_of(const storage::Row& row) {
    const auto kind = revocation_kind_of(row.text(0));
    if (!kind) return {};
    return Revocation{*kind, row.text(1), row.time(2), row.time(3)};
}

}  // namespace

std::string_view name_of(RevocationKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::optional<RevocationKind> revocation_kind_of(std::string_view name) {
    const auto* found = std::ranges::find(kind_names, name);
    if (found == kind_names.end()) return {};
    return static_cast<RevocationKind>(found - kind_names.begin());
}

SystemTime next_millisecond(SystemTime now) {
    return std::chrono::floor<milliseconds>(now) + milliseconds(1);
}

Revocation end_of_tokens(const User& user) {
    return {RevocationKind::subject, user.name, user.tokens_valid_from,
            user.tokens_valid_from + token_lifetime_max};
}

bool RevocationList::covers(RevocationKind kind, std::string_view value, SystemTime issued) const {
    if (value.empty()) return false;
    const auto found = by_key_.find(key_of(kind, value));
    return found != by_key_.end() && issued < found->second.issued_before;
}

bool RevocationList::covers(const access::Principal& principal) const {
    if (by_key_.empty()) return false;
    const auto issued = principal.issued_at;
    switch (principal.revoked_by) {
        case access::RevokedBy::nothing: return false;
        case access::RevokedBy::key_list:
            return covers(RevocationKind::key, principal.token_id, issued);
        case access::RevokedBy::token_list: break;
    }
    const auto ended = [&](const std::string& actor) {
        return covers(RevocationKind::subject, actor, issued) ||
               covers(RevocationKind::client, actor, issued);
    };
    const auto origin_ended = [&](const std::string& id) {
        return covers(RevocationKind::token, id, issued);
    };
    return covers(RevocationKind::token, principal.token_id, issued) ||
           covers(RevocationKind::subject, principal.subject, issued) ||
           covers(RevocationKind::client, principal.client_id, issued) ||
           std::ranges::any_of(principal.actors, ended) ||
           std::ranges::any_of(principal.origins, origin_ended);
}

std::shared_ptr<const RevocationList> RevocationSource::current() const {
    const std::scoped_lock lock(mutex_);
    return list_;
}

bool RevocationSource::covers(const access::Principal& principal) const {
    return current()->covers(principal);
}

void RevocationSource::add(const std::vector<Revocation>& some, SystemTime now) {
    if (take(some, now) && on_change_) on_change_();
}

void RevocationSource::learn(const std::vector<Revocation>& some, SystemTime now) {
    add(some, now);
    known_.store(true, std::memory_order_release);
}

bool RevocationSource::take(const std::vector<Revocation>& some, SystemTime now) {
    const std::scoped_lock lock(mutex_);
    bool changed = std::erase_if(by_key_, [now](const auto& each) {
                       return each.second.expires_at <= now;
                   }) > 0;
    for (const auto& each : some) {
        const auto [known, is_new] = by_key_.try_emplace(key_of(each.kind, each.value), each);
        if (!is_new && known->second.issued_before >= each.issued_before) continue;
        if (!is_new) {
            known->second.issued_before = each.issued_before;
            known->second.expires_at = std::max(known->second.expires_at, each.expires_at);
        }
        changed = true;
    }
    if (!changed) return false;
    list_ = std::make_shared<const RevocationList>(by_key_);
    generation_.fetch_add(1, std::memory_order_release);
    return true;
}

Task<Result<void>> RevocationRepository::record(Session& session, Revocation revocation,
                                                SystemTime now) {
    GH_CO_TRY_VOID(co_await session.execute(insert, view(uuid_v7(now)), name_of(revocation.kind),
                                            revocation.value, revocation.issued_before,
                                            revocation.expires_at, now));
    co_return Result<void>{};
}

Task<Result<void>> RevocationRepository::add(Revocation revocation, SystemTime now) {
    auto work = [revocation = std::move(revocation), now](Session& session) {
        return record(session, revocation, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<Revocation>>> RevocationRepository::list(SystemTime since, SystemTime now) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_since, since, now));
    std::vector<Revocation> all;
    all.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (auto one = revocation_of(rows[i])) all.push_back(*std::move(one));
    }
    co_return all;
}

Task<Result<std::uint64_t>> RevocationRepository::clean(SystemTime now) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_expired, now));
    co_return rows.affected();
}

}  // namespace gh::identity
