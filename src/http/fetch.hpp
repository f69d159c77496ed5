#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"
#include "net/tls_client_context.hpp"

namespace gh::http {

/// A request that the house itself makes: a health probe, a key set, a question to a CA.
struct FetchRequest {
    net::Address address;
    const net::TlsClientContext* tls = nullptr;  ///< null: plain HTTP
    std::string server_name;                     ///< with tls: whose certificate is believed
    std::string authority;                       ///< Host
    std::string target = "/";
    std::string_view method =
        {};  ///< "PUT", static; empty: POST where there is a body, or else GET
    std::vector<std::pair<std::string, std::string>> fields =
        {};                         ///< besides those of every request
    std::string content_type = {};  ///< of the body; empty: there is none
    std::string body = {};
    std::vector<std::string> wanted = {};      ///< fields of the answer, by name
    std::chrono::milliseconds timeout{2'000};  ///< for everything
    std::chrono::milliseconds connect_timeout{
        0};  ///< of it, until the request can be sent; 0: as long as there is
    std::size_t body_bytes_max = 64 * 1024;
};

struct Fetched {
    std::uint16_t status = 0;
    std::string location;                                     ///< as it came
    std::string body;                                         ///< of a redirect: empty
    std::vector<std::pair<std::string, std::string>> fields;  ///< those wanted that came, each line

    /// The first of this name, as it was wanted; empty: none came.
    [[nodiscard]] std::string_view field(std::string_view name) const;
};

/// One connection, one request, closed afterwards. No redirects are followed.
/// @return `deadline_exceeded` "fetch.timeout", or "fetch.connect" after connect_timeout; `unavailable` "fetch.connect", "fetch.tls", "fetch.cut";
///         `corrupt` "fetch.malformed", "fetch.too_large"
[[nodiscard]] Task<Result<Fetched>> fetch(net::Loop& loop, FetchRequest request);

}  // namespace gh::http
