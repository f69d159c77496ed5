#include "audit/redaction.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

namespace gh::audit {
namespace {

constexpr std::string_view quiet_endings[] = {
    "password", "passwd",     "passphrase",  "secret",     "token",  "authorization",
    "cookie",   "credential", "credentials", "privatekey", "apikey", "seed",
};

/// "gh_", an id, "_" and 43 characters; an id has at most 32.
constexpr std::size_t api_key_run_min = 3 + 1 + 1 + 43;
constexpr std::size_t credential_bytes_min = 16;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_base64url(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/// Of base64url characters, at the beginning.
std::size_t run_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_base64url) - text.begin());
}

/// "Bearer eyJ...", but not "basic plan".
bool is_credential(std::string_view text, std::string_view scheme) {
    return text.size() > scheme.size() &&
           std::ranges::equal(text.substr(0, scheme.size()), scheme, {}, lower) &&
           text.substr(scheme.size(), text.find(' ', scheme.size()) - scheme.size()).size() >=
               credential_bytes_min;
}

/// Header and payload of a JWT are JSON objects, and `{"` begins with "eyJ" in base64url.
bool is_jwt(std::string_view text) {
    const auto header = run_of(text);
    if (header == text.size() || text[header] != '.') return false;
    text.remove_prefix(header + 1);
    const auto payload = run_of(text);
    return payload > 0 && payload < text.size() && text[payload] == '.';
}

bool is_password_in_url(std::string_view behind_scheme) {
    const auto authority = behind_scheme.substr(0, behind_scheme.find_first_of("/?# "));
    const auto at = authority.rfind('@');
    return at != authority.npos && authority.substr(0, at).find(':') != authority.npos;
}

/// Is any place where `mark` stands one where `judge` says yes of the text from there on?
template <class Judge>
bool any_place(std::string_view text, std::string_view mark, Judge judge) {
    for (auto at = text.find(mark); at != text.npos; at = text.find(mark)) {
        text.remove_prefix(at);
        if (judge(text)) return true;
        // No run of base64url is measured twice, so that a text of marks costs no more than another.
        text.remove_prefix(std::max(mark.size(), run_of(text)));
    }
    return false;
}

}  // namespace

bool names_secret(std::string_view name) {
    std::string letters;
    for (const char c : name) {
        if (c != '_' && c != '-' && c != '.' && c != ' ') letters += lower(c);
    }
    return std::ranges::any_of(quiet_endings,
                               [&](std::string_view ending) { return letters.ends_with(ending); });
}

bool looks_secret(std::string_view text) {
    return is_credential(text, "bearer ") || is_credential(text, "basic ") ||
           text.find("PRIVATE KEY-----") != text.npos || text.find("PRIVATE+KEY+") != text.npos ||
           any_place(text, "eyJ", is_jwt) ||
           any_place(text, "gh_", [](auto rest) { return run_of(rest) >= api_key_run_min; }) ||
           any_place(text, "://", [](auto rest) { return is_password_in_url(rest.substr(3)); });
}

}  // namespace gh::audit
