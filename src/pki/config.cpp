#include "pki/config.hpp"

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::pki {
namespace {

bool stands_in_authority(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-:[]").contains(c);
}

/// It is written into every certificate, so nothing but a scheme, a host and a port.
Result<std::string> base_url_of(const std::string& text) {
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

}  // namespace

config::Type<PkiConfig> pki_type() {
    const auto same = [](const std::string& text) { return text; };
    config::Object<PkiConfig> table;
    table.key("url", &PkiConfig::url, config::parsed_text<std::string>(&base_url_of, same),
              "Where others reach /pki on a listener that serves api, as certificates say it. With "
              "http: whoever checks a certificate must not need to check this one first (RFC 5280 "
              "section 8).");
    return table.type();
}

}  // namespace gh::pki
