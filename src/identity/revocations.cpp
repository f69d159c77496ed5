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
constexpr Statement select_page{
    .name = "revocations.list",
    .sql =
        "SELECT kind, value, issued_before, expires_at, created_at, id FROM revocations "
        "WHERE (created_at, id) > ($1, $2) AND expires_at > $3 ORDER BY created_at, id LIMIT $4"};
constexpr Statement delete_expired{.name = "revocations.clean",
                                   .sql = "DELETE FROM revocations WHERE expires_at <= $1"};

constexpr std::size_t page_rows = 10'000;
/// Between two looks at all for what has expired.
constexpr std::chrono::minutes sweep_interval{1};

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

const Revocation* RevocationList::find(const std::string& key) const {
    const auto& part = parts_[part_of(key)];
    if (!part) return nullptr;
    const auto found = part->find(key);
    return found == part->end() ? nullptr : &found->second;
}

bool RevocationList::covers(RevocationKind kind, std::string_view value, SystemTime issued) const {
    if (value.empty()) return false;
    const auto* found = find(key_of(kind, value));
    return found != nullptr && issued < found->issued_before;
}

bool RevocationList::covers(const access::Principal& principal) const {
    if (empty()) return false;
    const auto issued = principal.issued_at;
    switch (principal.revoked_by) {
        case access::RevokedBy::nothing: return false;
        case access::RevokedBy::key_list:
            return covers(RevocationKind::key, principal.token_id, issued) ||
                   std::ranges::any_of(principal.origins, [&](const std::string& id) {
                       return covers(RevocationKind::key, id, issued);
                   });
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

std::shared_ptr<const RevocationList> RevocationList::with(
    const std::vector<Revocation>& some) const {
    std::shared_ptr<RevocationList> next;
    std::array<std::shared_ptr<Part>, parts_count> changed;
    for (const auto& each : some) {
        auto key = key_of(each.kind, each.value);
        const auto at = part_of(key);
        const auto* known = next ? next->find(key) : find(key);
        if (known != nullptr && known->issued_before >= each.issued_before) continue;
        if (!next) next = std::make_shared<RevocationList>(*this);
        if (!changed[at]) {
            changed[at] =
                parts_[at] ? std::make_shared<Part>(*parts_[at]) : std::make_shared<Part>();
            next->parts_[at] = changed[at];
        }
        const auto [entry, is_new] = changed[at]->try_emplace(std::move(key), each);
        entry->second.issued_before = each.issued_before;
        entry->second.expires_at = std::max(entry->second.expires_at, each.expires_at);
        next->size_ += is_new ? 1 : 0;
    }
    return next;
}

std::shared_ptr<const RevocationList> RevocationList::without_expired(SystemTime now) const {
    const auto is_over = [now](const auto& each) { return each.second.expires_at <= now; };
    std::shared_ptr<RevocationList> next;
    for (std::size_t at = 0; at < parts_count; ++at) {
        if (!parts_[at] || std::ranges::none_of(*parts_[at], is_over)) continue;
        if (!next) next = std::make_shared<RevocationList>(*this);
        auto part = std::make_shared<Part>(*parts_[at]);
        next->size_ -= std::erase_if(*part, is_over);
        next->parts_[at] = part->empty() ? nullptr : std::move(part);
    }
    return next;
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
    std::shared_ptr<const RevocationList> next;
    if (now - swept_at_ >= sweep_interval) {
        swept_at_ = now;
        next = list_->without_expired(now);
    }
    if (auto grown = (next ? *next : *list_).with(some)) next = std::move(grown);
    if (!next) return false;
    list_ = std::move(next);
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
    std::vector<Revocation> all;
    std::string after;  // the id of the last one; before every id at first
    for (;;) {
        GH_CO_TRY(const auto rows, co_await database_.query(select_page, since, after, now,
                                                            std::int64_t{page_rows}));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (auto one = revocation_of(rows[i])) all.push_back(*std::move(one));
        }
        if (rows.size() < page_rows) co_return all;
        since = rows[rows.size() - 1].time(4);
        after = rows[rows.size() - 1].text(5);
    }
}

Task<Result<std::uint64_t>> RevocationRepository::clean(SystemTime now) {
    GH_CO_TRY(const auto rows, co_await database_.query(delete_expired, now));
    co_return rows.affected();
}

}  // namespace gh::identity
