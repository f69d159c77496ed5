// A `.env` file: whatever is read is text with names that have no blanks, and no value outgrows its limit.

#include "config/dotenv.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = gh::config::parse_dotenv(text, ".env", {});
    if (!read) {
        if (read.error().text.empty()) std::abort();
        return 0;
    }
    for (const auto& [name, value] : read->all()) {
        if (name.empty() || name.find_first_of(" \t\r\n=#'\"$") != std::string::npos) std::abort();
        if (value.size() > 64 * 1024) std::abort();
    }
    return 0;
}
