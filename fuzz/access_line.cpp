// Any bytes as what a client may put into the access log. The line stays one line of strict JSON within its bound, a
// masked target stays masked, and a plain marker behind a secret's name is not to be seen.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/json.hpp"
#include "telemetry/access_line.hpp"
#include "telemetry/safe_target.hpp"

namespace {

void require(bool held) {
    if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);

    const auto safe = gh::telemetry::safe_target(bytes);
    require(safe.size() <= gh::telemetry::safe_target_bytes_max);
    if (size <= 512)
        require(gh::telemetry::safe_target(safe) == safe);  // a cut one may end in half a mask
    // Closed before it, so that the parameter stands alone whatever the bytes are.
    const auto planted =
        std::string(bytes.substr(0, 512)) + "?&token=PlAnTeD&" + std::string(bytes.substr(0, 512));
    if (!bytes.contains("PlAnTeD"))
        require(!gh::telemetry::safe_target(planted).contains("PlAnTeD"));

    const auto half = bytes.substr(size / 2);
    std::string line;
    gh::telemetry::append_access_line(line, {.method = half,
                                             .target = bytes,
                                             .host = half,
                                             .client_ip = bytes,
                                             .principal = half,
                                             .principal_type = "agent",
                                             .user_agent = bytes});
    require(line.size() < 64 * 1024 && line.find('\n') == line.size() - 1);
    require(gh::codec::json::parse(line).has_value());
    return 0;
}
