#include "vault/env_file.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "audit/redaction.hpp"

namespace gh::vault {
namespace {

// What the last word of a name says when the value is about a secret and none: "JWT_SECRET_FILE", "TOKEN_TTL".
constexpr std::string_view about[] = {
    "ALG",    "ALGORITHM", "AUDIENCE", "BITS",    "BYTES",  "COST",   "COUNT",    "DAYS",
    "DIR",    "ENABLED",   "ENDPOINT", "EXPIRES", "EXPIRY", "EXPIRE", "FILE",     "FORMAT",
    "HEADER", "HOST",      "HOURS",    "ID",      "ISSUER", "LENGTH", "LIFETIME", "LIMIT",
    "MAX",    "MIN",       "MINUTES",  "MODE",    "NAME",   "PATH",   "POLICY",   "PORT",
    "PREFIX", "REQUIRED",  "ROUNDS",   "SECONDS", "SIZE",   "TTL",    "TYPE",     "URI",
    "URL",    "USER",      "USERNAME", "VERSION",
};
constexpr std::string_view open_words[] = {"PUBLIC", "PUB", "PUBLISHABLE"};
constexpr std::string_view password_words[] = {"PASS",     "PASSPHRASE", "PASSWD",
                                               "PASSWORD", "PASSWORDS",  "PWD"};
constexpr std::string_view secret_words[] = {
    "APIKEY", "APIKEYS", "CREDENTIAL", "CREDENTIALS", "DSN",    "KEY",     "KEYS",  "PEPPER",
    "PIN",    "PRIVATE", "SALT",       "SEED",        "SECRET", "SECRETS", "TOKEN", "TOKENS"};

// What the tokens of well-known services begin with, and how long they are at least.
struct Shape {
    std::string_view begins;
    std::size_t bytes_min;
};
constexpr Shape shapes[] = {
    {"sk-", 20},         {"sk_live_", 20},
    {"sk_test_", 20},    {"rk_live_", 20},
    {"whsec_", 20},      {"ghp_", 36},
    {"gho_", 36},        {"ghs_", 36},
    {"github_pat_", 40}, {"glpat-", 20},
    {"xoxb-", 20},       {"xoxp-", 20},
    {"xapp-", 20},       {"AIza", 35},
    {"ya29.", 20},       {"SG.", 40},
    {"npm_", 36},        {"hf_", 20},
    {"hvs.", 20},        {"pypi-", 40},
    {"dop_v1_", 40},     {"AGE-SECRET-KEY-", 30},
};
// As connection strings have them, in any case and with a semicolon or nothing in front.
constexpr std::string_view connection_keys[] = {
    "PASSWORD=", "PWD=", "ACCOUNTKEY=", "SHAREDACCESSKEY=", "SHAREDACCESSSIGNATURE="};

constexpr std::size_t looked_for_bytes_min = 8;

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    return out;
}

/// "jwtSecret" has no border that a reader could be sure of, and its end tells all the same.
std::vector<std::string> words_of(std::string_view name) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : name) {
        if (c == '_' || c == '-' || c == '.') {
            if (!word.empty()) words.push_back(std::move(word));
            word.clear();
        } else {
            word += c;
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    for (auto& each : words) each = upper(each);
    return words;
}

template <class List>
bool has(const List& list, std::string_view word) {
    return std::ranges::find(list, word) != std::ranges::end(list);
}

bool is_number(std::string_view value) {
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    return error == std::errc() && end == value.data() + value.size();
}

bool is_switch(std::string_view value) {
    static constexpr std::string_view switches[] = {"TRUE", "FALSE", "YES", "NO",
                                                    "ON",   "OFF",   "0",   "1"};
    return has(switches, upper(value));
}

/// "name:password" of lists, as VALID_USERS has them.
bool is_list_of_users(std::string_view name) { return name == "VALID_USERS"; }

bool is_secret_name(std::string_view name, std::string_view value) {
    if (is_list_of_users(name)) return true;
    const auto words = words_of(name);
    if (words.empty() || is_switch(value)) return false;
    if (std::ranges::any_of(words, [](const auto& word) { return has(open_words, word); }))
        return false;
    if (has(about, words.back())) return false;
    if (std::ranges::any_of(words, [](const auto& word) { return has(password_words, word); }))
        return true;
    if (is_number(value)) return false;  // MAX_TOKENS=4096
    return audit::names_secret(name) ||
           std::ranges::any_of(words, [](const auto& word) { return has(secret_words, word); });
}

bool is_connection_string(std::string_view value) {
    const auto raised = upper(value);
    return std::ranges::any_of(connection_keys, [&](std::string_view key) {
        for (auto at = raised.find(key); at != raised.npos; at = raised.find(key, at + 1)) {
            const bool begins = at == 0 || raised[at - 1] == ';' || raised[at - 1] == ' ';
            const auto behind = at + key.size();
            if (begins && behind < raised.size() && raised[behind] != ';') return true;
        }
        return false;
    });
}

bool is_secret_value(std::string_view value) {
    return audit::looks_secret(value) || is_connection_string(value) ||
           std::ranges::any_of(shapes, [&](const Shape& shape) {
               return value.starts_with(shape.begins) && value.size() >= shape.bytes_min;
           });
}

std::uint32_t line_of(std::string_view text, std::size_t at) {
    return 1 + static_cast<std::uint32_t>(std::ranges::count(text.substr(0, at), '\n'));
}

}  // namespace

bool is_secret_variable(std::string_view name, std::string_view value) {
    return !value.empty() && (is_secret_name(name, value) || is_secret_value(value));
}

std::vector<EnvSecret> secrets_of(std::span<const config::DotenvAssignment> assignments) {
    std::set<std::string_view> names;
    // Values take in what stands above them only: one walk finds all.
    for (const auto& each : assignments) {
        const bool holds_one =
            std::ranges::any_of(each.uses, [&](const auto& used) { return names.contains(used); });
        if (holds_one || is_secret_variable(each.name, each.value.view())) names.insert(each.name);
    }
    std::map<std::string_view, std::size_t> last;
    for (std::size_t i = 0; i < assignments.size(); ++i) last[assignments[i].name] = i;
    std::vector<EnvSecret> found;
    for (std::size_t i = 0; i < assignments.size(); ++i) {
        const auto& each = assignments[i];
        if (names.contains(each.name) && last.at(each.name) == i && !each.value.empty())
            found.push_back({each.name, each.value, each.line});
    }
    return found;
}

std::string without(std::string_view text, std::span<const config::DotenvAssignment> assignments,
                    std::span<const MovedVariable> moved) {
    std::string out;
    std::size_t from = 0;
    for (const auto& each : assignments) {
        const auto found = std::ranges::find(moved, each.name, &MovedVariable::name);
        if (found == moved.end()) continue;
        out += text.substr(from, each.begin - from);
        out += "# " + each.name + " (migrated to encrypted storage): gatehouse secrets get " +
               found->path;
        from = each.end;
    }
    return out += text.substr(from);
}

std::vector<std::uint32_t> lines_with(std::string_view text, std::span<const EnvSecret> secrets) {
    std::set<std::uint32_t> lines;
    for (const auto& each : secrets) {
        const auto value = each.value.view();
        if (value.size() < looked_for_bytes_min) continue;
        for (auto at = text.find(value); at != text.npos; at = text.find(value, at + value.size()))
            lines.insert(line_of(text, at));
    }
    return {lines.begin(), lines.end()};
}

}  // namespace gh::vault
