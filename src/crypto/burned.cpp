#include "crypto/burned.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "crypto/digest.hpp"

namespace gh::crypto {
namespace {

/// SHA-256 of secrets that were printed somewhere: everybody has them, however random they look.
constexpr std::string_view published[] = {
    // printed in a deployment report
    "755fe063d16986300e47c53358c2a4f8792c9b02373227861211cd469ecbeb0b",
    // the debugger page of jwt.io, HS256
    "465d9ad5d5528ebe287b5dce4fb51620833d09b290e49ddcc70ca6c4a0aea01b",
    // the same, HS384
    "730d21a80e61a8de82d12cb4c0b8057cff5a30e2dec50ce7a773513374f9164a",
    // the same, HS512
    "db6833593279d7373592ef70e51f3daf048c04475739f8ed024b0821fd9e7fde",
    // the OAuth2 chapter of a web framework's tutorial
    "570dad43de1af4c925f92c16a68a50936da42b7dd6fdeb24850507a1199aac89",
    // a Spring Security tutorial
    "3354cfcf65c7b2e6840ea6f880aede239750cb1d063950c4e8fd9fbf9ec73a32",
    // the same in lower case
    "2b1fa627178e3424e20ffd0e18b7440c322ad538d3c96aef1e3f60d99951c23c",
    // another Spring Security tutorial
    "48541c26f8b4cd6254d331e8cd73ef517ac44735ed8e41e6688a2b30ddec5a09",
    // the local default of a backend service
    "a064b502e61d27e94b8717290e5e1b32e36720e9fbdf952ec81a84c07128cb37",
    // RFC 7515, appendix A.1
    "85cc9e46a7c9fc5833069c7016d9d173819da09197e4161845fca7ce741ec9be",
    // the same, decoded
    "e329a7adf182cfd9f68bee2b29894080ec019b6406eb7d906d286b33c2e53d7b",
    // RFC 7520, section 3.5
    "0330b11998cbc9abd5a585e755cb5df2f73f1a5632fdcc2abb19e05e3eceddb9",
    // the same, decoded
    "73ec74458059c70cae3f0ade8663fe0da1dc4b114ed8cdac75364140b4458a4c",
    // passwords that examples give their users
    "240be518fabd2724ddb6f04eeb1da5967448d7e831c08c8fa822809f74c720a9",
    "e606e38b0d8c19b24cf0ee3808183162ea7cd63ff7912dbb22b5e803286b4446",
    "6b93ccba414ac1d0ae1e77f3fac560c748a6701ed6946735a49d463351518e16",
    "ef92b778bafe771e89245b89ecbc08a44a4e166c06659911881f383d4473e94f",
};

/// What people write where a secret belongs. In lower case, words joined by '-'.
constexpr std::string_view placeholders[] = {
    "change-me",      "changeme",     "change-this", "change-in-production",
    "replace-me",     "replace-this", "placeholder", "insert-your",
    "default-secret", "super-secret", "supersecret", "my-secret",
    "your-secret",    "your-key",     "your-jwt",    "dummy-",
    "example-secret", "not-a-secret",
};

/// Lower case, and '_', ' ' and '.' become '-': "CHANGE_ME" and "change me" are one placeholder.
std::string folded(std::string_view text) {
    std::string out(text);
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (c == '_' || c == ' ' || c == '.') c = '-';
    }
    return out;
}

/// "YOUR_..._HERE", whatever stands between.
bool is_your_here(std::string_view text) {
    return text.starts_with("your-") && text.ends_with("-here");
}

/// Is it one short text written several times?
bool repeats(std::string_view text) {
    for (std::size_t period = 1; period <= text.size() / 2; ++period) {
        if (text.substr(period) == text.substr(0, text.size() - period)) return true;
    }
    return false;
}

std::size_t different_bytes(std::string_view text) {
    std::array<bool, 256> seen{};
    for (const char c : text) seen[static_cast<std::uint8_t>(c)] = true;
    return static_cast<std::size_t>(std::ranges::count(seen, true));
}

std::unexpected<Error> refuse(std::string_view reason, std::string detail) {
    return fail(ErrorKind::invalid_argument, reason, std::move(detail));
}

}  // namespace

bool is_placeholder(std::string_view text) {
    const auto plain = folded(text);
    return is_your_here(plain) || (plain.starts_with('<') && plain.ends_with('>')) ||
           std::ranges::any_of(placeholders,
                               [&](std::string_view word) { return plain.contains(word); });
}

bool is_published(std::string_view text) {
    return std::ranges::find(published, sha256_hex(text)) != std::end(published);
}

Result<void> check_secret_strength(std::string_view secret, std::size_t bytes_min) {
    if (secret.empty()) return refuse("secret.empty", "a secret must not be empty");
    if (is_placeholder(secret))
        return refuse("secret.placeholder", "this is a placeholder, not a secret");
    if (is_published(secret))
        return refuse("secret.published", "this secret stands in a public document");
    if (secret.size() < bytes_min) {
        return refuse("secret.short", "at least " + std::to_string(bytes_min) +
                                          " bytes are needed, there are " +
                                          std::to_string(secret.size()));
    }
    if (different_bytes(secret) < 8 || repeats(secret)) {
        return refuse("secret.predictable", "this is a pattern, not a random secret");
    }
    return {};
}

}  // namespace gh::crypto
