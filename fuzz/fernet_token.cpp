// A Fernet token of a stranger: nothing but what the key made opens, and what it made opens as it was.

#include "crypto/fernet.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::crypto;
    static const auto fernet =
        Fernet::of_key("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").value();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)fernet.open(text);
    if (text.size() > Fernet::text_bytes_max) return 0;
    const auto token = fernet.seal(bytes_of(text), gh::SystemTime{});
    const auto opened = fernet.open(token);
    if (!opened || text_of(opened->bytes()) != text) std::abort();
    return 0;
}
