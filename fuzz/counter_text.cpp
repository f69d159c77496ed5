// Any bytes as another program's metrics page: bounded, and what is read of a page is read of it twice, summed.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "export/counter_text.hpp"

namespace {

void require(bool held) {
    if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view page(reinterpret_cast<const char*>(data), size);
    const auto sums = gh::exporting::read_counter(page, "sent_total", "integration");
    require(sums.size() <= gh::exporting::counter_values_max);
    for (const auto& [value, sum] : sums) require(page.contains(value));

    const auto twice = std::string(page) + "\n" + std::string(page);
    const auto doubled = gh::exporting::read_counter(twice, "sent_total", "integration");
    require(doubled.size() == sums.size());
    const auto behind = gh::exporting::read_counter(
        "sent_total{integration=\"planted\"} 7\n" + std::string(page), "sent_total", "integration");
    require(behind.contains("planted"));
    return 0;
}
