#include "identity/oauth/cookies.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "http/characters.hpp"

namespace gh::identity::oauth {

std::optional<std::string_view> find_cookie(const http::Fields& fields, std::string_view name) {
    std::optional<std::string_view> found;
    for (const auto& field : fields) {
        if (field.id != http::FieldId::cookie) continue;
        for (auto rest = field.value; !rest.empty();) {
            const auto end = std::min(rest.find(';'), rest.size());
            const auto pair = http::trim(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            const auto equals = pair.find('=');
            if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
            if (found) return {};
            found = pair.substr(equals + 1);
        }
    }
    return found;
}

std::string set_cookie(std::string_view name, std::string_view value, long max_age_seconds,
                       bool secure) {
    return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{}", name, value,
                       max_age_seconds, secure ? "; Secure" : "");
}

std::string cookie_name(std::string_view name, bool secure) {
    return std::string(secure ? "__Host-" : "") + std::string(name);
}

}  // namespace gh::identity::oauth
