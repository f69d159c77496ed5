#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace gh::telemetry {

/// What the access log says of one exchange, when its last byte has left. Empty views and zeros
/// marked so are left out.
struct AccessRecord {
    SystemTime timestamp;  ///< when the request began
    std::string_view method;
    std::string_view target;    ///< as sent; secrets in its query are masked here (safe_target)
    std::string_view protocol;  ///< "HTTP/1.1", "HTTP/2"
    std::string_view host;
    unsigned status = 0;  ///< 0: no answer
    std::chrono::nanoseconds duration{0};
    std::uint64_t bytes_in = 0;   ///< body
    std::uint64_t bytes_out = 0;  ///< body
    std::string_view outcome;     ///< "ok", "client_gone", "upstream_failed", ...
    std::string_view code;   ///< of a refusal: "rate.limited", "jwt.expired"; left out when empty
    std::string_view route;  ///< template; left out when empty, as all below
    std::string_view upstream;
    std::string_view upstream_address;
    std::chrono::nanoseconds upstream_duration{0};  ///< written where there is an upstream
    std::string_view client_ip;
    std::string_view principal;       ///< subject
    std::string_view principal_type;  ///< "user", "api_key", ...
    std::string_view request_id;
    std::string_view correlation_id;
    std::string_view trace_id;
    std::string_view tls_version;  ///< "TLSv1.3"
    std::string_view user_agent;
};

/// Appends one JSON line with its '\n'. Target is cut at 2 KiB, other values at 512 bytes.
void append_access_line(std::string& out, const AccessRecord& record);

}  // namespace gh::telemetry
