#include "identity/oauth/server.hpp"

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/jose.hpp"
#include "identity/oauth/device_repository.hpp"
#include "identity/oauth/grant_repository.hpp"
#include "identity/oauth/registration.hpp"
#include "identity/oauth/uri.hpp"
#include "net/loop.hpp"

namespace gh::identity::oauth {

Server::Server(Parts parts)
    : parts_(std::move(parts)),
      clients_(parts_.database, parts_.hasher),
      sessions_(parts_.database, parts_.users, parts_.hasher) {}

std::string Server::url_of(std::string_view path) const {
    return std::string(origin_of(issuer())).append(path);
}

SystemTime Server::now() const {
    return parts_.now ? parts_.now() : net::Loop::current()->system_now();
}

bool Server::has_id_tokens() const {
    return !codec::is_symmetric(parts_.issuer.keys()->current(now()).algorithm());
}

std::string Server::seal(std::string_view text) const {
    // No key and no secret of ours begins so: what the hasher makes of them is never a seal.
    const auto code = parts_.hasher->of_text("seal\n" + std::string(text));
    return codec::encode_base64url(crypto::text_of(code));
}

Task<Result<std::uint64_t>> Server::clean() {
    auto work = [now = now()](storage::Session& session) -> Task<Result<std::uint64_t>> {
        GH_CO_TRY(const auto grants, co_await clean_grants(session, now));
        GH_CO_TRY(const auto sessions, co_await BrowserSessions::clean(session, now));
        GH_CO_TRY(const auto devices, co_await clean_devices(session, now));
        GH_CO_TRY(const auto tokens, co_await clean_initial_tokens(session, now));
        co_return grants + sessions + devices + tokens;
    };
    co_return co_await parts_.database.write(std::move(work));
}

}  // namespace gh::identity::oauth
