#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "pki/acme_client/documents.hpp"
#include "pki/acme_client/signed_request.hpp"
#include "pki/acme_client/transport.hpp"

namespace gh::pki::acme_client {

/// Who wants an account.
struct Applicant {
    std::vector<std::string> contacts;  ///< mail addresses
    std::string external_key_id;        ///< empty: none
    crypto::Secret external_key;
};

/// One conversation with a CA: its directory, nonces and our account there. Errors of the CA are "acme_client.refused"
/// (`invalid_argument`, or `exhausted` where we asked for too much) and "acme_client.away"
/// (`unavailable`), with what it says in the detail.
class Session {
 public:
    using Ticks = std::function<SteadyTime()>;
    /// @param transport  outlives it
    /// @param patience   for the whole conversation, from open() on
    explicit Session(Transport& transport, milliseconds patience = std::chrono::minutes(4),
                     Ticks ticks = &std::chrono::steady_clock::now)
        : transport_(transport), patience_(patience), ticks_(std::move(ticks)) {}

    /// Begins it. What is asked after its time is `deadline_exceeded` "acme_client.slow".
    /// @param directory  URL
    [[nodiscard]] Task<Result<void>> open(std::string directory);
    /// After open().
    [[nodiscard]] const Directory& directory() const { return directory_; }

    /// Finds the account of the key, or makes it. After open(), before what is signed.
    /// @param key  outlives this
    /// @return also `invalid_argument` "acme_client.external_account": the CA wants to know whose it is
    [[nodiscard]] Task<Result<void>> sign_in(const AccountKey& key, const Applicant& applicant);

    /// Signed with the account. A nonce that the CA does not know any more is replaced, and the request sent again.
    [[nodiscard]] Task<Result<Answer>> post(std::string url, std::string payload);
    /// The same without a payload: POST-as-GET (RFC 8555 §6.3).
    [[nodiscard]] Task<Result<Answer>> read(std::string url);
    /// Unsigned, for what everybody may read.
    [[nodiscard]] Task<Result<Answer>> get(std::string url);

    /// When its time is over.
    [[nodiscard]] SteadyTime deadline() const { return deadline_; }
    /// What the CA said in its last refusal.
    [[nodiscard]] const Problem& problem() const { return problem_; }
    [[nodiscard]] const std::optional<seconds>& retry_after() const { return retry_after_; }

 private:
    [[nodiscard]] Task<Result<Answer>> ask(std::string url, std::string body);
    [[nodiscard]] Task<Result<Answer>> post_as(std::string url, std::string payload,
                                               std::string account);
    [[nodiscard]] Task<Result<std::string>> take_nonce();
    [[nodiscard]] std::unexpected<Error> refusal(const Answer& answer);

    Transport& transport_;
    milliseconds patience_;
    Ticks ticks_;
    SteadyTime deadline_;
    const AccountKey* key_ = nullptr;
    Directory directory_;
    std::string account_;  // its URL
    std::string nonce_;    // of the last answer
    Problem problem_;
    std::optional<seconds> retry_after_;
};

}  // namespace gh::pki::acme_client
