#include "telemetry/safe_target.hpp"

#include <algorithm>
#include <array>

namespace gh::telemetry {
namespace {

constexpr std::string_view mask = "***", ellipsis = "...";

/// Lower case, '-' as '_', in order.
constexpr std::array<std::string_view, 29> secret_names{
    "access_key",    "access_token",  "api_key",       "api_token",      "apikey",
    "assertion",     "auth",          "auth_token",    "authorization",  "client_assertion",
    "client_secret", "code",          "code_verifier", "credential",     "id_token",
    "jwt",           "key",           "passphrase",    "passwd",         "password",
    "pwd",           "refresh_token", "secret",        "security_token", "session",
    "sig",           "signature",     "subject_token", "token"};
static_assert(std::ranges::is_sorted(secret_names));

/// By first letter: most names need no search.
constexpr auto begins_secret = [] {
    std::array<bool, 256> table{};
    for (const auto name : secret_names) table[static_cast<unsigned char>(name.front())] = true;
    return table;
}();

constexpr std::size_t name_bytes_max = 32;  // longer than any of them

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_secret_part(std::string_view part) {
    if (part.starts_with("x_")) {
        for (const std::string_view vendor : {"x_amz_", "x_goog_"}) {
            if (part.starts_with(vendor)) part.remove_prefix(vendor.size());
        }
    }
    if (part.empty() || !begins_secret[static_cast<unsigned char>(part.front())]) return false;
    return std::ranges::binary_search(secret_names, part);
}

/// Reads a name the way generous backends do: escapes decoded, '+' as a blank, blanks at the ends
/// left off, and "user[password]" or "user.password" by each of its parts.
bool is_secret(std::string_view name) {
    std::array<char, name_bytes_max> part;
    std::size_t size = 0;  // beyond the array: too long to be one of them
    std::size_t blanks = 0;
    const auto add = [&](char c) {
        if (size < part.size()) part[size] = c;
        ++size;
    };
    const auto found = [&] { return size <= part.size() && is_secret_part({part.data(), size}); };
    for (std::size_t i = 0; i < name.size(); ++i) {
        char c = name[i] == '+' ? ' ' : name[i];
        if (c == '%' && i + 2 < name.size() && hex_digit(name[i + 1]) >= 0 &&
            hex_digit(name[i + 2]) >= 0) {
            c = static_cast<char>(hex_digit(name[i + 1]) * 16 + hex_digit(name[i + 2]));
            i += 2;
        }
        if (c == '[' || c == ']' || c == '.' || c == '\0') {
            if (found()) return true;
            size = blanks = 0;
        } else if (c == ' ') {
            if (size > 0) ++blanks;  // counts when something follows
        } else {
            for (; blanks > 0; --blanks) add(' ');
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
            add(c == '-' ? '_' : c);
        }
    }
    return found();
}

std::size_t end_of_parameter(std::string_view target, std::size_t begin) {
    while (begin < target.size() && target[begin] != '&' && target[begin] != ';') ++begin;
    return begin;
}

/// Copies what was not copied yet, then the mask. Untouched targets never come here.
class Masked {
 public:
    Masked(std::string_view target, std::string& out) : target_(target), out_(out) { out_.clear(); }
    void hide(std::size_t begin, std::size_t end) {
        out_.append(target_.substr(copied_, begin - copied_)).append(mask);
        copied_ = end;
    }
    [[nodiscard]] bool touched() const { return copied_ > 0; }
    std::string_view finish() {
        out_.append(target_.substr(copied_));
        return out_;
    }

 private:
    std::string_view target_;
    std::string& out_;
    std::size_t copied_ = 0;
};

/// "http://user:password@host/": RFC 3986 §3.2.1, or the authority form of CONNECT.
void hide_userinfo(std::string_view target, std::size_t query, Masked& masked) {
    if (target.starts_with('/')) return;
    const auto scheme = target.find("://");
    const auto begin = scheme < query ? scheme + 3 : 0;
    const auto end = std::min({target.find('/', begin), query, target.size()});
    const auto at = target.substr(0, end).rfind('@');
    if (at != std::string_view::npos && at > begin) masked.hide(begin, at);
}

}  // namespace

std::string_view safe_target(std::string_view target, std::string& scratch) {
    // What is cut off is not looked at: masking a value only makes it shorter or adds three bytes
    // to an empty one.
    const bool cut = target.size() > safe_target_bytes_max;
    target = target.substr(0, safe_target_bytes_max);
    const auto query = std::min(target.find('?'), target.size());
    Masked masked(target, scratch);
    hide_userinfo(target, query, masked);
    for (auto begin = query + 1; begin < target.size();) {
        const auto end = end_of_parameter(target, begin);
        const auto equals = target.substr(0, end).find('=', begin);
        if (equals != std::string_view::npos && equals + 1 < end &&
            is_secret(target.substr(begin, equals - begin))) {
            masked.hide(equals + 1, end);
        }
        begin = end + 1;
    }
    if (!masked.touched() && !cut) return target;
    masked.finish();
    if (cut || scratch.size() > safe_target_bytes_max) {
        scratch.resize(std::min(scratch.size(), safe_target_bytes_max - ellipsis.size()));
        scratch.append(ellipsis);
    }
    return scratch;
}

std::string safe_target(std::string_view target) {
    std::string scratch;
    return std::string(safe_target(target, scratch));
}

}  // namespace gh::telemetry
