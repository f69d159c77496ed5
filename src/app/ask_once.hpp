#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "codec/https_url.hpp"
#include "http/fetch.hpp"
#include "net/tls_client_context.hpp"

namespace gh::app {

/// A request that a verb of the command line makes.
struct Question {
    codec::HttpsUrl url;
    std::string authority = {};  ///< Host, where it is another than the URL's
    std::shared_ptr<const net::TlsClientContext> tls = {};  ///< where the URL is https
    std::vector<std::pair<std::string, std::string>> fields = {};
    std::string_view content_type = {};  ///< of the body; empty: it is a GET
    std::string body = {};
    std::chrono::milliseconds timeout{5'000};
    std::size_t body_bytes_max = 64 * 1024;  ///< of the answer
};

/// Asks one address of the host after another until one takes the request, and waits for the answer.
/// @return `unavailable` "net.resolve", or errors of http::fetch()
[[nodiscard]] Result<http::Fetched> ask_once(const Question& question);

/// The error of ask_once() for people: "127.0.0.1:9901: Connection refused".
[[nodiscard]] std::string why_unanswered(const Error& error);

/// Whom to believe where a URL is https; null for http.
/// @param ca_file  PEM; empty: the system's authorities
/// @return `unavailable` "tls.file_unreadable" or errors of net::TlsClientContext::make()
[[nodiscard]] Result<std::shared_ptr<const net::TlsClientContext>> trust_for(
    const codec::HttpsUrl& url, const std::string& ca_file);

/// The key or token that a file holds, blanks around it aside: at most 8 KiB of visible ASCII.
/// @return errors of config::read_file(), `invalid_argument` "credential.none"
[[nodiscard]] Result<std::string> credential_in(const std::string& file);

}  // namespace gh::app
