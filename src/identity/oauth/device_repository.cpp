#include "identity/oauth/device_repository.hpp"

#include <array>

#include "base/id.hpp"
#include "base/try.hpp"
#include "identity/names.hpp"
#include "identity/oauth/grant_rows.hpp"

namespace gh::identity::oauth {
namespace {

using storage::Session;
using storage::Statement;

constexpr std::string_view letters = "BCDFGHJKLMNPQRSTVWXZ";

constexpr Statement count_waiting{
    .name = "oauth_device_codes.count",
    .sql = "SELECT count(*) FROM oauth_device_codes WHERE client_id = $1 AND expires_at > $2"};
constexpr Statement insert{
    .name = "oauth_device_codes.create",
    .sql =
        "INSERT INTO oauth_device_codes (id, hash, user_code, client_id, scopes, resources, "
        "status, interval_seconds, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8)"};
constexpr Statement select_waiting{
    .name = "oauth_device_codes.find_waiting",
    .sql =
        "SELECT id, client_id, scopes, resources, expires_at FROM oauth_device_codes "
        "WHERE user_code = $1 AND status = 'pending' AND expires_at > $2"};
constexpr Statement update_decided{.name = "oauth_device_codes.decide",
                                   .sql =
                                       "UPDATE oauth_device_codes SET status = $2, grant_id = $3 "
                                       "WHERE id = $1 AND status = 'pending'"};
constexpr Statement select_one{
    .name = "oauth_device_codes.find",
    .sql =
        "SELECT hash, client_id, status, grant_id, interval_seconds, polled_at, expires_at "
        "FROM oauth_device_codes WHERE id = $1"};
constexpr Statement select_grant{
    .name = "oauth_device_codes.find_grant",
    .sql =
        "SELECT g.id, g.client_id, g.user_id, g.scopes, g.resources, g.nonce, g.dpop_jkt, "
        "g.certificate, g.signed_in_at, g.created_at, g.expires_at, g.ended_at "
        "FROM oauth_grants g WHERE g.id = $1"};
constexpr Statement update_polled{
    .name = "oauth_device_codes.poll",
    .sql = "UPDATE oauth_device_codes SET polled_at = $2, interval_seconds = $3 WHERE id = $1"};
constexpr Statement update_used{
    .name = "oauth_device_codes.use",
    .sql = "UPDATE oauth_device_codes SET status = 'used' WHERE id = $1"};
// Used ones stay as long as their grant, so that they are known when they come again.
constexpr Statement remove_expired{
    .name = "oauth_device_codes.clean",
    .sql = "DELETE FROM oauth_device_codes WHERE expires_at <= $1 AND status <> 'used'"};

/// How a poll changes what is kept of the device: when it came, and how long the next one has to wait.
Task<Result<std::string_view>> note_poll(Session& session, std::string id, storage::Row row,
                                         SystemTime now) {
    const auto interval = seconds(row.integer(4));
    const auto polled = row.optional_time(5);
    const bool early = polled && now < *polled + interval;
    const auto next = early ? interval + device_interval : interval;
    GH_CO_TRY_VOID(co_await session.execute(update_polled, id, now, next.count()));
    co_return early ? std::string_view("oauth.device_too_fast")
                    : std::string_view("oauth.device_pending");
}

Task<Result<Claimed>> use_approved(Session& session, std::string id, storage::Row row, Wish wish,
                                   SystemTime now) {
    Claimed claimed;
    GH_CO_TRY(const auto found, co_await session.query_one(select_grant, *row.optional_text(3)));
    if (!found) co_return fail(ErrorKind::internal, "oauth.device_grant");
    claimed.grant = grant_of(*found);
    if (row.text(2) == "used") {
        claimed.refusal = "oauth.device_replayed";
        GH_CO_TRY(claimed.ended, co_await end_grant(session, claimed.grant->id, now));
        co_return claimed;
    }
    auto portion = portion_of(*claimed.grant, wish);
    if (has_ended(*found)) {
        claimed.refusal = "oauth.grant_ended";
    } else if (!portion) {
        claimed.refusal = portion.error().reason;
    } else {
        claimed.portion = *std::move(portion);
        GH_CO_TRY_VOID(co_await session.execute(update_used, id));
        GH_CO_TRY_VOID(
            co_await prolong_grant(session, claimed.grant->id, now + token_lifetime_max));
    }
    co_return claimed;
}

}  // namespace

std::string new_user_code() {
    std::string code;
    while (code.size() < user_code_characters) {
        std::array<std::uint8_t, 16> random{};
        random_bytes(random);
        for (const auto byte : random) {
            constexpr std::size_t fair = 256 / letters.size() * letters.size();
            if (byte < fair && code.size() < user_code_characters)
                code += letters[byte % letters.size()];
        }
    }
    return code;
}

std::optional<std::string> read_user_code(std::string_view typed) {
    std::string code;
    for (const char c : typed.substr(0, 4 * user_code_characters)) {
        if (c == '-' || c == ' ') continue;
        const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (!letters.contains(upper)) return {};
        code += upper;
    }
    if (code.size() != user_code_characters) return {};
    return code;
}

std::string shown_user_code(std::string_view code) {
    const auto half = code.size() / 2;
    return std::string(code.substr(0, half)) + "-" + std::string(code.substr(half));
}

Task<Result<bool>> add_device(Session& session, NewDevice device, SystemTime now) {
    GH_CO_TRY(const auto waiting, co_await session.query(count_waiting, device.client_id, now));
    if (waiting[0].integer(0) >= devices_max) co_return false;
    GH_CO_TRY_VOID(co_await session.execute(
        insert, device.secret.id, blob_of(device.secret.hash), device.user_code, device.client_id,
        join_names(device.portion.scopes, ' '), join_names(device.portion.resources, ' '),
        device_interval.count(), now + device_lifetime));
    co_return true;
}

Task<Result<std::optional<WaitingDevice>>> find_device(Session& session, std::string user_code,
                                                       SystemTime now) {
    GH_CO_TRY(const auto found, co_await session.query_one(select_waiting, user_code, now));
    if (!found) co_return std::nullopt;
    const auto row = *found;
    co_return WaitingDevice{
        .id = row.text(0),
        .client_id = row.text(1),
        .portion = {split_names(row.text(2), ' '), split_names(row.text(3), ' ')},
        .expires_at = row.time(4)};
}

Task<Result<bool>> decide_device(Session& session, std::string id, std::string grant_id) {
    const std::string_view status = grant_id.empty() ? "denied" : "approved";
    std::optional<std::string> grant;
    if (!grant_id.empty()) grant = std::move(grant_id);
    GH_CO_TRY(const auto changed, co_await session.execute(update_decided, id, status, grant));
    co_return changed == 1;
}

Task<Result<Claimed>> claim_device_code(Session& session, DeviceClaim claim, Wish wish,
                                        const ApiKeyHasher& hasher, SystemTime now) {
    Claimed claimed{.refusal = "oauth.device_unknown", .grant = {}, .portion = {}, .ended = {}};
    const auto id = id_of_secret(SecretKind::device, claim.text);
    if (!id) co_return claimed;
    GH_CO_TRY(const auto found, co_await session.query_one(select_one, *id));
    if (!found || !is_hash_of((*found).octets(0), claim.text, hasher)) co_return claimed;
    const auto row = *found;
    if (row.text(1) != claim.client_id) {
        claimed.refusal = "oauth.device_client";
    } else if (row.text(2) == "used") {
        co_return co_await use_approved(session, *id, row, std::move(wish), now);
    } else if (now >= row.time(6)) {
        claimed.refusal = "oauth.device_expired";
    } else if (row.text(2) == "denied") {
        claimed.refusal = "oauth.device_denied";
    } else if (row.text(2) == "approved") {
        co_return co_await use_approved(session, *id, row, std::move(wish), now);
    } else {
        GH_CO_TRY(claimed.refusal, co_await note_poll(session, *id, row, now));
    }
    co_return claimed;
}

Task<Result<std::uint64_t>> clean_devices(Session& session, SystemTime now) {
    co_return co_await session.execute(remove_expired, now);
}

}  // namespace gh::identity::oauth
