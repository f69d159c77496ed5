// Any bytes as the Accept of who wants metrics: one of the two formats, and OpenMetrics only where it is named.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "export/scrape.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto format = gh::exporting::wanted_format(bytes);
    const bool named = bytes.find("application/openmetrics-text") != std::string_view::npos;
    if (format == gh::exporting::PageFormat::open_metrics && !named) std::abort();
    return 0;
}
