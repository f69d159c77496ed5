// Whatever an answer of Sentry says of limits, events are forbidden for a day at the most; what it does not say forbids nothing.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "export/sentry.hpp"

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace std::chrono;
    if (size > 16 * 1024) return 0;
    const std::string_view limits(reinterpret_cast<const char*>(data), size);
    const auto forbidden = gh::exporting::sentry::forbidden_for(200, limits, seconds(5));
    demand(forbidden >= seconds(0) && forbidden <= hours(24) + seconds(1));
    demand(forbidden == gh::exporting::sentry::forbidden_for(429, limits, seconds(5)) ||
           limits.empty());
    // What stands behind a comma cannot make it shorter.
    const auto more = std::string(limits) + ",600:error:key";
    demand(gh::exporting::sentry::forbidden_for(200, more, seconds(0)) >= forbidden);
    demand(gh::exporting::sentry::forbidden_for(200, more, seconds(0)) >= seconds(600));
    return 0;
}
