// Reports of steps as the journal holds them: what is read is written as it was read.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "plan/desk.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto finish = gh::plan::finish_of_text(text);
    if (!finish) return 0;
    const auto written = gh::plan::text_of(*finish);
    const auto again = gh::plan::finish_of_text(written);
    if (!again || gh::plan::text_of(*again) != written) std::abort();
    return 0;
}
