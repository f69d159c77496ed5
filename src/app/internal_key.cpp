#include "app/internal_key.hpp"

#include <chrono>
#include <utility>

#include "audit/act.hpp"
#include "identity/route_words.hpp"

namespace gh::app {
namespace {

using std::chrono::days;

constexpr std::string_view kept_as = "internal-key";
constexpr auto replaced_after = days(30);
constexpr auto good_for = days(60);

/// Is the kept one still good, and young enough?
Task<Result<bool>> is_fresh(State& state, std::string text, SystemTime now) {
    const auto id = identity::api_key_id(text);
    if (!id) co_return false;
    const auto found = co_await state.keys.find(std::string(*id));
    if (!found && found.error().kind == ErrorKind::not_found) co_return false;
    if (!found) co_return std::unexpected(found.error());
    co_return !found->revoked_at && now < found->created_at + replaced_after;
}

}  // namespace

Task<Result<bool>> keep_internal_key(State& state, crypto::KeyStore& keys, SystemTime now) {
    if (const auto kept = keys.load(kept_as)) {
        GH_CO_TRY(const bool fresh,
                  co_await is_fresh(state, std::string(crypto::text_of(kept->bytes())), now));
        if (fresh) co_return false;
    } else if (kept.error().kind != ErrorKind::not_found) {
        co_return std::unexpected(kept.error());
    }
    identity::NewKey wanted;
    wanted.name = "internal";
    wanted.owner = "gatehouse";
    wanted.subject = "internal";
    wanted.kind = access::PrincipalType::service;
    wanted.roles = {"user"};
    wanted.expires_at = now + good_for;
    auto record = audit::also<identity::StoredKey>(audit::act_of_shell("key.create", "key"),
                                                   identity::tell_key);
    GH_CO_TRY(const auto made,
              co_await state.keys.create(std::move(wanted), now, std::move(record)));
    GH_CO_TRY_VOID(keys.store(kept_as, crypto::Secret(std::string_view(made.text))));
    co_return true;
}

}  // namespace gh::app
