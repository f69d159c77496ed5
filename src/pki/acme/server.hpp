#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/rate_limiter.hpp"
#include "api/route.hpp"
#include "audit/record.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/hmac.hpp"
#include "pki/acme/account_repository.hpp"
#include "pki/acme/config.hpp"
#include "pki/acme/jws.hpp"
#include "pki/acme/nonces.hpp"
#include "pki/acme/order_repository.hpp"
#include "pki/acme/turns.hpp"
#include "pki/acme/validator.hpp"
#include "pki/certificate_repository.hpp"
#include "pki/denied_acts.hpp"
#include "pki/revoked.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::pki::acme {

struct Parts {
    storage::Database& database;
    CertificateRepository& certificates;
    RevokedCertificates& revoked;
    std::function<std::shared_ptr<const Authority>()> issuer;  ///< who issues now; any thread
    AcmeConfig config;
    std::string base_url;            ///< "https://ca.example.com"
    crypto::Secret external_secret;  ///< of which those of external keys are made
    Validator& validator;
    telemetry::Log& log;
    telemetry::Registry& registry;
    std::function<SystemTime()> now;
    OrderLimits limits = {};
    std::uint32_t accounts_per_hour = 50;         ///< of one network
    std::uint32_t accounts_per_hour_total = 500;  ///< of all of them, on this node
    /// How long to wait before a challenge that failed is tried again; then it has failed.
    std::vector<milliseconds> retries = {milliseconds(2'000), milliseconds(5'000)};
};

/// Who may have signed a request: an account, or a key that comes along.
enum class SignedBy : std::uint8_t { account, key, either };

/// A request that is believed.
struct Request {
    Jws jws;
    std::optional<Account> account;  ///< in good standing; empty where a key signed
};

/// The ACME server of the internal CA. From any thread; outlives its routes.
class Server {
 public:
    explicit Server(Parts parts);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] const Parts& parts() const { return parts_; }
    [[nodiscard]] AccountRepository& accounts() { return accounts_; }
    [[nodiscard]] OrderRepository& orders() { return orders_; }
    [[nodiscard]] Nonces& nonces() { return nonces_; }
    [[nodiscard]] SystemTime now() const { return parts_.now(); }

    /// "https://ca.example.com/acme/order/" and what is behind it
    [[nodiscard]] std::string url(std::string_view path) const {
        return parts_.base_url + "/acme/" + std::string(path);
    }
    [[nodiscard]] std::string url_of(const Account& account) const {
        return url("account/" + account.id);
    }

    /// Judges a body (RFC 8555 §6): form, URL, nonce, signer, signature, in this order.
    /// @return errors of parse_jws(); "acme.url", "acme.bad_nonce", "acme.signature", "acme.account_unknown",
    ///         "acme.account_ended"
    [[nodiscard]] Task<Result<Request>> accept(const api::Call& call, std::string_view body,
                                               SignedBy by);
    /// The same of an account that asks for something and says nothing (RFC 8555 §6.3).
    [[nodiscard]] Task<Result<Request>> accept_get(const api::Call& call, std::string_view body);
    /// May a network have one account more, and may anybody?
    /// @return `exhausted` "acme.rate_limited"
    [[nodiscard]] Result<void> admit_account(const api::Call& call);
    /// The secret of the external key of this id.
    [[nodiscard]] crypto::Secret secret_of(std::string_view external_key_id) const;

    /// An act that was refused, for the audit log; so many an hour of one network.
    [[nodiscard]] Task<> record_denied(const api::Call& call, audit::Record record, Error why);

    Turns turns;                           ///< of challenges that are tried
    std::atomic<std::size_t> lookups = 0;  ///< by whom nobody knows as yet
    struct Metrics {
        explicit Metrics(telemetry::Registry& registry);
        telemetry::Family<telemetry::Counter>& tries;
        telemetry::Family<telemetry::Counter>& refused;
        telemetry::Gauge& waiting;  ///< set by resume()
    } metrics;

 private:
    [[nodiscard]] Task<Result<Request>> find_signer(Jws jws, SignedBy by);
    [[nodiscard]] Task<Result<Account>> find_account(std::string id);

    Parts parts_;
    AccountRepository accounts_;
    OrderRepository orders_;
    Nonces nonces_;
    crypto::HmacKey external_;
    access::RateLimiter limiter_;
    access::Limit account_limit_, total_limit_;
    DeniedActs denied_;
};

/// Goes on with challenges that were chosen and that nobody tries: after a kill, or when the database was away. On the loop
/// that runs; every few seconds.
[[nodiscard]] Task<Result<void>> resume(Server& server);

/// The HMAC key of an external account (RFC 8555 §7.3.4), made of its id: nobody has to keep it.
[[nodiscard]] crypto::Secret external_secret_of(const crypto::HmacKey& key, std::string_view id);

/// /acme, one table.
[[nodiscard]] std::vector<api::Route> routes(Server& server);

}  // namespace gh::pki::acme
