// A path that passed is one place: it has no other spelling, and its folders pass, too.

#include "vault/secret_path.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::vault;
    const std::string text(reinterpret_cast<const char*>(data), size);
    (void)check_secret_folder(text);
    if (!check_secret_path(text)) return 0;
    if (text.starts_with('/') || text.ends_with('/') || text.contains("//")) std::abort();
    for (auto at = text.find('/'); at != std::string::npos; at = text.find('/', at + 1)) {
        if (!check_secret_folder(text.substr(0, at + 1))) std::abort();
    }
    return 0;
}
