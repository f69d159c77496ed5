#include "pki/acme_client/session.hpp"

#include <utility>

#include "base/try.hpp"
#include "codec/json_writer.hpp"

namespace gh::pki::acme_client {
namespace {

constexpr int nonce_tries_max = 16;

std::string account_payload(const AccountKey& key, const Applicant& applicant,
                            const std::string& url) {
    std::string text;
    codec::json::Writer out(text);
    // Whoever configures a CA agrees to its terms (RFC 8555 §7.3.3).
    out.begin_object().name("termsOfServiceAgreed").boolean(true);
    if (!applicant.contacts.empty()) {
        out.name("contact").begin_array();
        for (const auto& each : applicant.contacts) out.string("mailto:" + each);
        out.end_array();
    }
    if (!applicant.external_key_id.empty()) {
        out.name("externalAccountBinding")
            .raw(key.binding(applicant.external_key_id, applicant.external_key, url));
    }
    out.end_object();
    return text;
}

bool is_good(const Answer& answer) { return answer.status >= 200 && answer.status < 300; }

}  // namespace

std::unexpected<Error> Session::refusal(const Answer& answer) {
    problem_ = read_problem(answer.body);
    retry_after_ = read_retry_after(answer.retry_after, std::chrono::system_clock::now());
    auto detail = std::to_string(answer.status) + ", " + problem_.text();
    if (answer.status == 429 || problem_.type == "rateLimited")
        return fail(ErrorKind::exhausted, "acme_client.refused", std::move(detail));
    if (answer.status >= 500)
        return fail(ErrorKind::unavailable, "acme_client.away", std::move(detail));
    return fail(ErrorKind::invalid_argument, "acme_client.refused", std::move(detail));
}

Task<Result<Answer>> Session::ask(std::string url, std::string body) {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - ticks_());
    if (left <= milliseconds(0)) {
        co_return fail(ErrorKind::deadline_exceeded, "acme_client.slow",
                       "the CA did not come to an end with the order");
    }
    co_return co_await transport_.ask(std::move(url), std::move(body), left);
}

Task<Result<Answer>> Session::get(std::string url) {
    std::string nothing;
    GH_CO_TRY(auto answer, co_await ask(std::move(url), std::move(nothing)));
    if (!answer.nonce.empty()) nonce_ = answer.nonce;
    if (!is_good(answer)) co_return refusal(answer);
    co_return answer;
}

Task<Result<void>> Session::open(std::string directory) {
    deadline_ = ticks_() + patience_;
    GH_CO_TRY(const auto answer, co_await get(std::move(directory)));
    GH_CO_TRY(directory_, read_directory(answer.body));
    co_return Result<void>{};
}

Task<Result<std::string>> Session::take_nonce() {
    if (nonce_.empty()) {
        GH_CO_TRY_VOID(co_await get(directory_.new_nonce));
    }
    if (nonce_.empty())
        co_return fail(ErrorKind::corrupt, "acme_client.malformed", "newNonce gives no nonce");
    co_return std::exchange(nonce_, {});
}

Task<Result<Answer>> Session::post_as(std::string url, std::string payload, std::string account) {
    for (int tries = 1;; ++tries) {
        GH_CO_TRY(const auto nonce, co_await take_nonce());
        const AccountKey::Request request{
            .url = url, .nonce = nonce, .account = account, .payload = payload};
        auto body = key_->sign(request);
        GH_CO_TRY(auto answer, co_await ask(url, std::move(body)));
        nonce_ = answer.nonce;
        if (is_good(answer)) co_return answer;
        auto refused = refusal(answer);
        // RFC 8555 §6.5: the answer brings one that is good.
        if (problem_.type != "badNonce" || tries == nonce_tries_max) co_return refused;
    }
}

Task<Result<Answer>> Session::post(std::string url, std::string payload) {
    return post_as(std::move(url), std::move(payload), account_);
}

Task<Result<Answer>> Session::read(std::string url) {
    return post_as(std::move(url), {}, account_);
}

Task<Result<void>> Session::sign_in(const AccountKey& key, const Applicant& applicant) {
    key_ = &key;
    const auto& url = directory_.new_account;
    std::string existing = R"({"onlyReturnExisting":true})";
    const std::string nobody;  // signed by the key itself
    auto found = co_await post_as(url, std::move(existing), nobody);
    if (!found && problem_.type != "accountDoesNotExist")
        co_return std::unexpected(std::move(found.error()));
    if (!found) {
        if (directory_.external_account_required && applicant.external_key_id.empty()) {
            co_return fail(ErrorKind::invalid_argument, "acme_client.external_account",
                           "this CA gives accounts only to whom it knows: set "
                           "pki.acme_client.external_account (VCC_CA_PASSWORD)");
        }
        auto payload = account_payload(key, applicant, url);
        found = co_await post_as(url, std::move(payload), nobody);
        if (!found) co_return std::unexpected(std::move(found.error()));
    }
    if (found->location.empty())
        co_return fail(ErrorKind::corrupt, "acme_client.malformed", "an account without a URL");
    account_ = found->location;
    co_return Result<void>{};
}

}  // namespace gh::pki::acme_client
