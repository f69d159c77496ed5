#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::exporting {

/// Where a project of Sentry takes events, and what it knows us by.
struct SentryDsn {
    std::string url;         ///< "https://o1.ingest.sentry.io/api/42/envelope/"
    std::string public_key;  ///< letters, digits, - and _
    friend bool operator==(const SentryDsn&, const SentryDsn&) = default;
};

inline constexpr std::size_t sentry_dsn_bytes_max = 2048;

/// "https://PUBLIC_KEY@HOST[:PORT][/PATH]/PROJECT_ID", and "http://"; of "PUBLIC_KEY:SECRET_KEY", as old servers give it,
/// the second is left out, for none asks for it.
/// @return `invalid_argument` "sentry.dsn"; the detail says what one looks like, and nothing of what was written
[[nodiscard]] Result<SentryDsn> parse_sentry_dsn(std::string_view text);

}  // namespace gh::exporting
