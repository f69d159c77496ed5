#include "pki/base_url.hpp"

#include <algorithm>
#include <string_view>

namespace gh::pki {

Result<std::string> base_url_of(const std::string& text) {
    const auto stands_in_authority = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(".-:[]").contains(c);
    };
    std::string_view rest = text;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
    }
    if (rest.size() < text.size() && !rest.empty() &&
        std::ranges::all_of(rest, stands_in_authority))
        return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no URL without a path, allowed: http://HOST and http://HOST:PORT, or https");
}

}  // namespace gh::pki
