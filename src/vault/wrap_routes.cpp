#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "vault/compat.hpp"
#include "vault/json_body.hpp"
#include "vault/kv_body.hpp"
#include "vault/kv_json.hpp"
#include "vault/token_body.hpp"

namespace gh::vault {
namespace {

SystemTime now() { return std::chrono::system_clock::now(); }

/// @param previous  id of the one whose place this takes
storage::Also<WrappedAnswer> recorded(const api::Call& call, std::string action,
                                      std::string previous = {}) {
    return audit::also<WrappedAnswer>(
        audit::act_of(call, std::move(action), "wrapped_answer"),
        [previous = std::move(previous)](audit::Record& told, const WrappedAnswer& answer) {
            told.object_id = answer.id;
            told.details.push_back({"path", answer.path});
            told.details.push_back({"creator", answer.creator});
            if (!previous.empty()) told.details.push_back({"previous", previous});
        });
}

/// The token of the body, or where that names none, the one that came along.
Result<std::string_view> token_of(const api::Call& call, std::string_view body) {
    if (body.empty() || kv::trimmed(body) == "{}" || kv::trimmed(body) == "null")
        return presented_token(call);
    GH_TRY(const auto named, kv::parse_named_token(body, "token"));
    return named.text;
}

Answered refused_or(Error error) {
    if (error.kind == ErrorKind::invalid_argument || error.kind == ErrorKind::conflict)
        co_return refused(400, error.reason, error.detail);
    co_return std::unexpected(std::move(error));
}

Answered unwrap(Room& room, api::Call call, std::string_view body) {
    const auto token = token_of(call, body);
    if (!token) co_return co_await refused_or(token.error());
    // Whoever comes without a credential writes nothing before the token has opened something.
    const auto waiting = co_await room.wrapped.look(*token, now());
    if (!waiting) co_return co_await refused_or(waiting.error());
    auto opened = co_await room.wrapped.unwrap(*token, now(), recorded(call, "answer.unwrap"));
    if (!opened) co_return co_await refused_or(std::move(opened).error());
    co_return json(std::string(crypto::text_of(opened->body->bytes())));
}

Answered look(Room& room, api::Call call, std::string_view body) {
    const auto token = token_of(call, body);
    if (!token) co_return co_await refused_or(token.error());
    auto waiting = co_await room.wrapped.look(*token, now());
    if (!waiting) co_return co_await refused_or(std::move(waiting).error());
    co_return json(kv::text_of(*waiting, call.request_id));
}

Answered rewrap(Room& room, api::Call call, std::string_view body) {
    const auto token = token_of(call, body);
    if (!token) co_return co_await refused_or(token.error());
    const auto before = co_await room.wrapped.look(*token, now());
    if (!before) co_return co_await refused_or(before.error());
    auto also = recorded(call, "answer.rewrap", before->id);
    auto made = co_await room.wrapped.rewrap(*token, now(), std::move(also));
    if (!made) co_return co_await refused_or(std::move(made).error());
    co_return json(kv::text_of(kv::wrap_info_of(*made), call.request_id));
}

/// What is sent comes back: wrapped, for that is what is asked for.
Answered echo(Room& /*room*/, Entry entry, std::string_view body) {
    GH_CO_TRY_VOID(kv::read_any_object(body));
    if (!entry.wraps) co_return refused(400, "wrap.ttl", "X-Vault-Wrap-TTL is wanted, as 60 or 5m");
    co_return json(kv::enveloped(kv::trimmed(body), entry.call.request_id));
}

constexpr std::size_t token_bytes_max = std::size_t{8} * 1024;

}  // namespace

std::vector<api::Route> wrap_routes(Room& room) {
    Table table(room);
    table.add_write("/v1/sys/wrapping/wrap", {.want = Want::update, .place = "sys/wrapping/wrap"},
                    echo, "Keeps what is sent.", small_body_bytes_max);
    const auto add = [&](const std::string& path, auto handle, const std::string& summary) {
        for (const auto* method : {"POST", "PUT"})
            table.add_public(
                method, path,
                api::with(room, handle, api::raw_body({std::string(api::any_media_type)})), summary,
                token_bytes_max);
    };
    add("/v1/sys/wrapping/unwrap", unwrap, "The answer that waits, for the first who asks.");
    add("/v1/sys/wrapping/lookup", look, "What waits, and since when.");
    add("/v1/sys/wrapping/rewrap", rewrap, "Another token for what waits; this one is over.");
    return std::move(table).take();
}

}  // namespace gh::vault
