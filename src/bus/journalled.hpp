#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::bus {

/// What waits in the journal while the database is away.
struct Acknowledgement {
    std::string recipient;
    std::vector<std::string> ids;  ///< each codec::is_uuid()
    SystemTime at;
};

/// {"recipient":"...","ids":["..."],"at":MICROSECONDS}
[[nodiscard]] std::string payload_of(const Acknowledgement& acknowledgement);
/// @return `invalid_argument` "bus.payload"
[[nodiscard]] Result<Acknowledgement> acknowledgement_of(std::string_view payload);

}  // namespace gh::bus
