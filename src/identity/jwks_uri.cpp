#include "identity/jwks_uri.hpp"

#include <utility>

namespace gh::identity {

Result<JwksUri> parse_jwks_uri(std::string_view text) {
    auto uri = codec::parse_https_url(text);
    if (uri) return uri;
    return fail(ErrorKind::invalid_argument, "config.jwks_uri", std::move(uri.error().detail));
}

}  // namespace gh::identity
