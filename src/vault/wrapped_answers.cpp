#include "vault/wrapped_answers.hpp"

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/hkdf.hpp"
#include "crypto/xaes.hpp"

namespace gh::vault {
namespace {

using storage::Also;
using storage::Row;
using storage::Session;
using storage::Statement;

constexpr Statement delete_over{
    .name = "wrapped.clean",
    .sql =
        "DELETE FROM wrapped_answers WHERE id IN (SELECT id FROM wrapped_answers "
        "WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100)"};
constexpr Statement count_of_creator{
    .name = "wrapped.count",
    .sql = "SELECT count(*) FROM wrapped_answers WHERE creator = $1 AND expires_at > $2"};
constexpr Statement insert{
    .name = "wrapped.put",
    .sql =
        "INSERT INTO wrapped_answers (id, creator, path, ttl_s, sealed, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)"};
constexpr Statement select_one{
    .name = "wrapped.find",
    .sql =
        "SELECT id, creator, path, ttl_s, created_at, expires_at, sealed FROM wrapped_answers "
        "WHERE id = $1 AND expires_at > $2"};
constexpr Statement delete_one{.name = "wrapped.take",
                               .sql = "DELETE FROM wrapped_answers WHERE id = $1"};

// "gh_wrap.ID.SECRET": no key is written so, and none is looked up for it.
constexpr std::string_view prefix = "gh_wrap.";
constexpr std::size_t id_bytes = 16;
constexpr std::size_t secret_bytes = 32;

std::unexpected<Error> no_token() {
    return fail(ErrorKind::invalid_argument, "wrap.token",
                "wrapping token is not valid or does not exist");
}

/// A token taken apart; shared with the work of a transaction, which may run again.
struct Opener {
    std::string id;
    crypto::Xaes cipher;

    static Result<Opener> make(std::string id, const crypto::Secret& secret) {
        auto key = crypto::hkdf_sha256(secret, crypto::bytes_of(id), "gatehouse wrapped answer",
                                       crypto::Xaes::key_bytes);
        GH_TRY(auto cipher, crypto::Xaes::of_key(std::move(key)));
        return Opener{std::move(id), std::move(cipher)};
    }
    static Result<std::shared_ptr<const Opener>> of(std::string_view token) {
        if (!token.starts_with(prefix)) return no_token();
        token.remove_prefix(prefix.size());
        const auto dot = token.find('.');
        if (dot != id_bytes || token.size() > 100) return no_token();
        auto octets = codec::decode_base64url(token.substr(dot + 1));
        if (!octets || octets->size() != secret_bytes) return no_token();
        const crypto::Secret secret{std::string_view(*octets)};
        crypto::wipe(octets->data(), octets->size());
        GH_TRY(auto opener, make(std::string(token.substr(0, dot)), secret));
        return std::make_shared<const Opener>(std::move(opener));
    }
};

WrappedAnswer answer_of(const Row& row) {
    WrappedAnswer answer;
    answer.id = row.text(0);
    answer.creator = row.text(1);
    answer.path = row.text(2);
    answer.ttl = seconds(row.integer(3));
    answer.created_at = row.time(4);
    answer.expires_at = row.time(5);
    return answer;
}

/// What is bound to an answer: it says nothing else, and nobody else said it.
std::string bound_to(const WrappedAnswer& answer) {
    return answer.id + '\n' + answer.creator + '\n' + answer.path;
}

/// That its token opens it is all that speaks for who asks.
Task<Result<UnwrappedAnswer>> read(Session& session, std::shared_ptr<const Opener> opener,
                                   SystemTime now) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, opener->id, now));
    if (!row) co_return no_token();
    auto answer = answer_of(*row);
    const auto bound = bound_to(answer);
    auto body = opener->cipher.open(crypto::bytes_of((*row).octets(6)), crypto::bytes_of(bound));
    if (!body) co_return no_token();
    UnwrappedAnswer opened;
    opened.answer = std::move(answer);
    opened.body = std::make_shared<const crypto::Secret>(*std::move(body));
    co_return opened;
}

Task<Result<UnwrappedAnswer>> take(Session& session, std::shared_ptr<const Opener> opener,
                                   SystemTime now, Also<WrappedAnswer> also) {
    if (also.before) GH_CO_TRY_VOID(co_await also.before(session));
    GH_CO_TRY(auto opened, co_await read(session, opener, now));
    GH_CO_TRY(const auto taken, co_await session.execute(delete_one, opener->id));
    if (taken != 1) co_return no_token();  // somebody else has
    if (also.after) GH_CO_TRY_VOID(co_await also.after(session, opened.answer));
    co_return opened;
}

/// One that is about to be put, sealed already.
struct Fresh {
    WrappedAnswer answer;
    std::string sealed, token;
};

Result<Fresh> make_fresh(WrappedAnswer wanted, const crypto::Secret& body, SystemTime now) {
    if (wanted.ttl < seconds(1) || wanted.ttl > WrappedAnswers::ttl_max)
        return fail(ErrorKind::invalid_argument, "wrap.ttl",
                    "what is wrapped lasts from a second to 32 days");
    const auto id = crypto::Secret::random(id_bytes / 2);
    const auto secret = crypto::Secret::random(secret_bytes);
    wanted.id = codec::encode_hex(crypto::text_of(id.bytes()));
    wanted.created_at = now;
    wanted.expires_at = now + wanted.ttl;
    GH_TRY(const auto opener, Opener::make(wanted.id, secret));
    Fresh fresh;
    fresh.sealed = opener.cipher.seal(body.bytes(), crypto::bytes_of(bound_to(wanted)));
    fresh.token = std::string(prefix) + wanted.id + '.' +
                  codec::encode_base64url(crypto::text_of(secret.bytes()));
    fresh.answer = std::move(wanted);
    return fresh;
}

Task<Result<void>> check_room(Session& session, std::string creator, SystemTime now) {
    GH_CO_TRY(const auto waiting, co_await session.query(count_of_creator, creator, now));
    if (waiting[0].integer(0) < WrappedAnswers::of_creator_max) co_return Result<void>{};
    co_return fail(ErrorKind::conflict, "wrap.too_many",
                   "1000 wrapped answers wait already: unwrap some, or let them end");
}

Task<Result<WrappedAnswer>> put(Session& session, std::shared_ptr<const Fresh> fresh) {
    const auto& answer = fresh->answer;
    GH_CO_TRY_VOID(co_await session.execute(delete_over, answer.created_at));
    GH_CO_TRY_VOID(co_await check_room(session, answer.creator, answer.created_at));
    GH_CO_TRY_VOID(co_await session.execute(
        insert, answer.id, answer.creator, answer.path, std::int64_t{answer.ttl.count()},
        storage::Blob{fresh->sealed}, answer.created_at, answer.expires_at));
    co_return answer;
}

Task<Result<MadeWrapping>> take_and_put(Session& session, std::shared_ptr<const Opener> opener,
                                        SystemTime now, Also<WrappedAnswer> also) {
    if (also.before) GH_CO_TRY_VOID(co_await also.before(session));
    GH_CO_TRY(auto opened, co_await take(session, opener, now, {}));
    GH_CO_TRY(auto made, make_fresh(std::move(opened.answer), *opened.body, now));
    const auto fresh = std::make_shared<const Fresh>(std::move(made));
    MadeWrapping wrapping;
    wrapping.token = fresh->token;
    GH_CO_TRY(wrapping.answer, co_await put(session, fresh));
    if (also.after) GH_CO_TRY_VOID(co_await also.after(session, wrapping.answer));
    co_return wrapping;
}

}  // namespace

Task<Result<void>> WrappedAnswers::room_for(std::string creator, SystemTime now) {
    auto work = [creator = std::move(creator), now](Session& session) {
        return check_room(session, creator, now);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<MadeWrapping>> WrappedAnswers::wrap(WrappedAnswer wanted, crypto::Secret body,
                                                SystemTime now, Also<WrappedAnswer> also) {
    GH_CO_TRY(auto made, make_fresh(std::move(wanted), body, now));
    const auto fresh = std::make_shared<const Fresh>(std::move(made));
    auto work = [fresh, also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, fresh), also);
    };
    MadeWrapping wrapping;
    GH_CO_TRY(wrapping.answer, co_await database_.write(std::move(work)));
    wrapping.token = fresh->token;
    co_return wrapping;
}

Task<Result<WrappedAnswer>> WrappedAnswers::look(std::string_view token, SystemTime now) {
    GH_CO_TRY(const auto opener, Opener::of(token));
    auto work = [opener, now](Session& session) { return read(session, opener, now); };
    GH_CO_TRY(auto opened, co_await database_.read(std::move(work)));
    co_return std::move(opened.answer);
}

Task<Result<UnwrappedAnswer>> WrappedAnswers::unwrap(std::string_view token, SystemTime now,
                                                     Also<WrappedAnswer> also) {
    GH_CO_TRY(const auto opener, Opener::of(token));
    auto work = [opener, now, also = std::move(also)](Session& session) {
        return take(session, opener, now, also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<MadeWrapping>> WrappedAnswers::rewrap(std::string_view token, SystemTime now,
                                                  Also<WrappedAnswer> also) {
    GH_CO_TRY(const auto opener, Opener::of(token));
    auto work = [opener, now, also = std::move(also)](Session& session) {
        return take_and_put(session, opener, now, also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::vault
