// Credentials that passed are made of what the field said.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/authorization.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto parts = gh::codec::parse_authorization(input);
    if (!parts) return 0;
    const auto within = [&](std::string_view part) {
        return part.empty() || (part.data() >= input.data() &&
                                part.data() + part.size() <= input.data() + input.size());
    };
    if (!within(parts->scheme_text) || !within(parts->token) || !within(parts->parameters))
        std::abort();
    if (parts->scheme_text.empty()) std::abort();
    if (parts->scheme != gh::codec::AuthScheme::other && parts->token.empty()) std::abort();
    if (!parts->token.empty() && parts->token.find_first_of(" ,\"\r\n\t") != std::string_view::npos)
        std::abort();
    return 0;
}
