#include "pki/acme_client/obtain.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json_writer.hpp"
#include "net/loop.hpp"

namespace gh::pki::acme_client {
namespace {

constexpr milliseconds first_pause{250};
constexpr milliseconds pause_max{5'000};
constexpr seconds asked_pause_max{60};
constexpr std::string_view http_01 = "http-01";
constexpr std::string_view tls_alpn_01 = "tls-alpn-01";

SystemTime now() { return std::chrono::system_clock::now(); }

std::string order_payload(const Wanted& wanted, bool replacing) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("identifiers").begin_array();
    for (const auto& name : wanted.names)
        out.begin_object().name("type").string("dns").name("value").string(name).end_object();
    out.end_array();
    if (replacing) out.name("replaces").string(wanted.replaces);
    out.end_object();
    return text;
}

std::string finalize_payload(const std::string& csr) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("csr").string(codec::encode_base64url(csr)).end_object();
    return text;
}

/// Proofs that are shown, until the end of the order.
class Shown {
 public:
    explicit Shown(ProofPlaces places) : places_(places) {}
    ~Shown() {
        for (const auto& token : tokens_) places_.http.take_away(token);
        for (const auto& name : names_) places_.tls.take_away(name);
    }
    Shown(const Shown&) = delete;
    Shown& operator=(const Shown&) = delete;

    [[nodiscard]] Result<void> show(const Authorization::Challenge& challenge,
                                    const std::string& name, const AccountKey& key) {
        const auto proof = key.authorization_of(challenge.token);
        if (challenge.type == http_01) {
            GH_TRY_VOID(places_.http.put(challenge.token, proof));
            tokens_.push_back(challenge.token);
            return {};
        }
        GH_TRY(const auto chain, make_tls_proof(name, proof, now()));
        GH_TRY_VOID(places_.tls.put(name, chain));
        names_.push_back(name);
        return {};
    }

 private:
    ProofPlaces places_;
    std::vector<std::string> tokens_, names_;
};

/// An order on its way.
class Obtaining {
 public:
    Obtaining(Session& session, const AccountKey& key, ProofPlaces places, Wanted wanted)
        : session_(session), key_(key), shown_(places), wanted_(std::move(wanted)) {}

    Task<Result<Leaf>> run() {
        if (wanted_.pending) {
            auto had = co_await finish_pending();
            if (had && had->not_after > wanted_.newer_than) co_return had;
            // While the CA is away the certificate still waits there.
            if (!had && is_of_the_moment(had.error())) co_return had;
        }
        GH_CO_TRY_VOID(co_await order());
        GH_CO_TRY_VOID(co_await prove());
        GH_CO_TRY_VOID(co_await until_order_is(Standing::ready));
        Pending begun{.key = make_key(), .order = url_};
        if (wanted_.keep) wanted_.keep(begun);
        co_return co_await finish(begun.key.get());
    }

 private:
    static net::Loop& loop() { return *net::Loop::current(); }
    static std::unexpected<Error> malformed(std::string what) {
        return fail(ErrorKind::corrupt, "acme_client.malformed", std::move(what));
    }
    static std::unexpected<Error> refused(std::string what) {
        return fail(ErrorKind::invalid_argument, "acme_client.refused", std::move(what));
    }

    static bool is_of_the_moment(const Error& error) {
        return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::exhausted ||
               error.kind == ErrorKind::deadline_exceeded;
    }

    Task<Result<Leaf>> finish_pending() {
        url_ = wanted_.pending->order;
        GH_CO_TRY(const auto answer, co_await session_.read(url_));
        GH_CO_TRY_VOID(take_order(answer));
        if (order_.standing == Standing::pending) co_return refused("nothing was proven yet");
        co_return co_await finish(wanted_.pending->key.get());
    }

    /// From ready on.
    Task<Result<Leaf>> finish(EVP_PKEY* leaf_key) {
        if (order_.standing == Standing::ready) {
            GH_CO_TRY(const auto csr, signing_request_of(leaf_key, wanted_.names));
            auto payload = finalize_payload(csr);
            GH_CO_TRY(const auto answer,
                      co_await session_.post(order_.finalize, std::move(payload)));
            GH_CO_TRY_VOID(take_order(answer));
        }
        GH_CO_TRY_VOID(co_await until_order_is(Standing::valid));
        if (order_.certificate.empty()) co_return malformed("a valid order without a certificate");
        GH_CO_TRY(const auto chain, co_await session_.read(order_.certificate));
        co_return judge_chain(chain.body, leaf_key, wanted_.names, now());
    }

    Result<void> take_order(const Answer& answer) {
        asked_ = read_retry_after(answer.retry_after, now());
        GH_TRY(order_, read_order(answer.body));
        if (order_.standing == Standing::invalid)
            return refused("the order failed: " + order_.problem.text());
        return {};
    }

    Task<Result<void>> order() {
        const auto& url = session_.directory().new_order;
        bool replacing = !wanted_.replaces.empty() && !session_.directory().renewal_info.empty();
        auto payload = order_payload(wanted_, replacing);
        auto answer = co_await session_.post(url, std::move(payload));
        // RFC 9773 §5: what it replaces matters less than the certificate. It may be of an account that we lost.
        const bool refused = !answer && answer.error().kind == ErrorKind::invalid_argument;
        if (refused && replacing) {
            auto again = order_payload(wanted_, false);
            answer = co_await session_.post(url, std::move(again));
        }
        if (!answer) co_return std::unexpected(std::move(answer.error()));
        url_ = answer->location;
        if (url_.empty()) co_return malformed("an order without a URL");
        co_return take_order(*answer);
    }

    Task<Result<void>> prove() {
        std::vector<std::string> begun;  // authorizations that wait for the CA's look
        std::vector<std::string> challenges;
        for (const auto& url : order_.authorizations) {
            GH_CO_TRY(const auto answer, co_await session_.read(url));
            GH_CO_TRY(const auto authorization, read_authorization(answer.body));
            if (std::ranges::find(wanted_.names, authorization.name) == wanted_.names.end())
                co_return malformed("an authorization for a name that was not ordered");
            if (authorization.standing == Standing::valid) continue;
            if (authorization.standing == Standing::invalid)
                co_return refused(authorization.name + ": " + authorization.problem().text());
            const auto* challenge = choose_challenge(authorization, wanted_);
            if (challenge == nullptr) {
                co_return refused(authorization.name +
                                  ": the CA offers no challenge that is allowed here");
            }
            GH_CO_TRY_VOID(shown_.show(*challenge, authorization.name, key_));
            begun.push_back(url);
            challenges.push_back(challenge->url);
        }
        for (const auto& url : challenges) {
            std::string ready = "{}";
            GH_CO_TRY_VOID(co_await session_.post(url, std::move(ready)));
        }
        for (const auto& url : begun) GH_CO_TRY_VOID(co_await until_proven(url));
        co_return Result<void>{};
    }

    Task<Result<void>> until_proven(std::string url) {
        for (auto pause = first_pause;; pause *= 2) {
            GH_CO_TRY(const auto answer, co_await session_.read(url));
            asked_ = read_retry_after(answer.retry_after, now());
            GH_CO_TRY(const auto authorization, read_authorization(answer.body));
            if (authorization.standing == Standing::valid) co_return Result<void>{};
            if (authorization.standing == Standing::invalid)
                co_return refused(authorization.name + ": " + authorization.problem().text());
            GH_CO_TRY_VOID(co_await wait(pause));
        }
    }

    /// Or beyond.
    Task<Result<void>> until_order_is(Standing wanted) {
        for (auto pause = first_pause; order_.standing != wanted; pause *= 2) {
            if (order_.standing == Standing::valid) break;
            GH_CO_TRY_VOID(co_await wait(pause));
            GH_CO_TRY(const auto answer, co_await session_.read(url_));
            GH_CO_TRY_VOID(take_order(answer));
        }
        co_return Result<void>{};
    }

    Task<Result<void>> wait(milliseconds pause) {
        pause = std::min(pause, pause_max);
        if (asked_) pause = std::max<milliseconds>(pause, std::min(*asked_, asked_pause_max));
        if (loop().now() + pause >= session_.deadline()) {
            co_return fail(ErrorKind::deadline_exceeded, "acme_client.slow",
                           "the CA did not come to an end with the order");
        }
        net::Sleep sleep(loop(), pause);
        co_await sleep;
        co_return Result<void>{};
    }

    Session& session_;
    const AccountKey& key_;
    Shown shown_;
    Wanted wanted_;
    std::string url_;  // of the order
    Order order_;
    std::optional<seconds> asked_;  // to wait
};

}  // namespace

const Authorization::Challenge* choose_challenge(const Authorization& authorization,
                                                 const Wanted& wanted) {
    switch (wanted.challenge) {
        case ChallengeChoice::http_01: return authorization.find(http_01);
        case ChallengeChoice::tls_alpn_01: return authorization.find(tls_alpn_01);
        case ChallengeChoice::any: break;
    }
    const bool http = wanted.http_first == (wanted.failures % 2 == 0);
    const std::array ways{http ? http_01 : tls_alpn_01, http ? tls_alpn_01 : http_01};
    for (const auto way : ways) {
        if (const auto* found = authorization.find(way)) return found;
    }
    return nullptr;
}

Task<Result<Leaf>> obtain(Session& session, const AccountKey& key, ProofPlaces places,
                          Wanted wanted) {
    Obtaining obtaining(session, key, places, std::move(wanted));
    co_return co_await obtaining.run();
}

}  // namespace gh::pki::acme_client
