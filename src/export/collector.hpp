#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "codec/https_url.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "net/tls_client_context.hpp"

namespace gh::exporting {

/// Where telemetry is pushed to.
struct Endpoint {
    codec::HttpsUrl url;
    std::shared_ptr<const net::TlsClientContext> tls;  ///< null where the URL is http
    std::vector<std::pair<std::string, std::string>> fields =
        {};                         ///< of every request: credentials
    std::string limits_field = {};  ///< of answers, besides Retry-After; empty: there is none
    std::chrono::seconds retry_after_max{300};
};

/// A server that takes bodies: an OTLP collector, Loki, Sentry. Belongs to one loop, and neither outlives it nor is
/// outlived by what it has begun.
class Collector {
 public:
    struct Answer {
        bool taken = false;
        unsigned status = 0;         ///< 0: it has not answered, or not in HTTP
        bool worth_a_retry = false;  ///< it is not there, or says later (429, 502, 503, 504)
        std::chrono::seconds retry_after{0};  ///< as it says; 0: it does not
        std::string limits = {};              ///< its lines of Endpoint::limits_field, by commas
        std::string why;                      ///< for the log: "503", "fetch.connect: ..."
    };

    Collector(net::Loop& loop, net::Resolver& resolver, Endpoint endpoint)
        : loop_(loop), resolver_(resolver), endpoint_(std::move(endpoint)) {}

    /// One attempt: looks the name up, connects, posts.
    [[nodiscard]] Task<Answer> post(std::string body, std::string_view content_type,
                                    std::chrono::milliseconds timeout);
    [[nodiscard]] const codec::HttpsUrl& url() const { return endpoint_.url; }

 private:
    net::Loop& loop_;
    net::Resolver& resolver_;
    const Endpoint endpoint_;
    std::size_t attempts_ = 0;
};

/// Pauses after failures: `first`, doubled up to `most`, and up to a fifth more, so that nodes do not come all at once.
class Backoff {
 public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
        : first_(first), most_(most) {}
    [[nodiscard]] std::chrono::milliseconds next();
    void reset() { failures_ = 0; }

 private:
    std::chrono::milliseconds first_, most_;
    unsigned failures_ = 0;
};

}  // namespace gh::exporting
