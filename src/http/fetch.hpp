#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"
#include "net/tls_client_context.hpp"

namespace gh::http {

/// A GET that the house itself makes: a health probe, a key set.
struct FetchRequest {
    net::Address address;
    const net::TlsClientContext* tls = nullptr;  ///< null: plain HTTP
    std::string server_name;                     ///< with tls: whose certificate is believed
    std::string authority;                       ///< Host
    std::string target = "/";
    std::chrono::milliseconds timeout{2'000};  ///< for everything
    std::size_t body_bytes_max = 64 * 1024;
};

struct Fetched {
    std::uint16_t status = 0;
    std::string location;  ///< of a redirect that came with one, as it came
    std::string body;      ///< empty with a location
};

/// One connection, one request, closed afterwards. No redirects are followed.
/// @return `deadline_exceeded` "fetch.timeout"; `unavailable` "fetch.connect", "fetch.tls", "fetch.cut";
///         `corrupt` "fetch.malformed", "fetch.too_large"
[[nodiscard]] Task<Result<Fetched>> fetch(net::Loop& loop, FetchRequest request);

}  // namespace gh::http
