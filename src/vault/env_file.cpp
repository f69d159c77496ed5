#include "vault/env_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "audit/redaction.hpp"
#include "crypto/burned.hpp"
#include "vault/secret_path.hpp"

namespace gh::vault {
namespace {

// What the last word of a name says when the value is about a secret and none: "JWT_SECRET_FILE", "TOKEN_TTL".
constexpr std::string_view about[] = {
    "ALG",    "ALGORITHM", "ATTEMPTS", "AUDIENCE", "BACKEND",  "BITS",     "BYTES",    "COST",
    "COUNT",  "DAYS",      "DIR",      "ENABLED",  "ENDPOINT", "EXPIRES",  "EXPIRY",   "EXPIRE",
    "FILE",   "FORMAT",    "HEADER",   "HOST",     "HOURS",    "ID",       "INTERVAL", "ISSUER",
    "LENGTH", "LIFETIME",  "LIMIT",    "MAX",      "METHOD",   "MIN",      "MINUTES",  "MODE",
    "NAME",   "PATH",      "POLICY",   "PORT",     "PREFIX",   "PROVIDER", "REQUIRED", "ROTATION",
    "ROUNDS", "SECONDS",   "SIZE",     "TIMEOUT",  "TTL",      "TYPE",     "URI",      "URL",
    "USER",   "USERNAME",  "VERSION",
};
constexpr std::string_view open_words[] = {"PUBLIC", "PUB", "PUBLISHABLE"};
constexpr std::string_view password_words[] = {"PASS",      "PASSPHRASE", "PASSWD", "PASSWORD",
                                               "PASSWORDS", "PIN",        "PW",     "PWD"};
constexpr std::string_view secret_words[] = {
    "APIKEY",  "APIKEYS", "CREDENTIAL", "CREDENTIALS", "DSN",     "KEY",   "KEYS",  "PEPPER",
    "PRIVATE", "SALT",    "SEED",       "SECRET",      "SECRETS", "TOKEN", "TOKENS"};
// Those of which there are numbers: MAX_TOKENS=4096.
constexpr std::string_view counted_words[] = {"KEY", "KEYS", "TOKEN", "TOKENS"};

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

// Addresses that whoever knows them may write to.
constexpr std::string_view hooks[] = {"://hooks.slack.com/", "://discord.com/api/webhooks/"};

constexpr std::size_t looked_for_bytes_min = 8;
constexpr std::size_t number_digits_max = 12;  ///< longer ones are drawn, not counted
constexpr std::size_t short_path_bytes_max = 23;

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    return out;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// In upper case: JWT SECRET of "jwtSecret" and "JWT_SECRET" alike, less a number at the end.
std::vector<std::string> words_of(std::string_view name) {
    std::vector<std::string> words(1);
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        const bool joint = c == '_' || c == '-' || c == '.';
        const bool hump = i > 0 && is_upper(c) &&
                          (is_lower(name[i - 1]) ||
                           (is_upper(name[i - 1]) && i + 1 < name.size() && is_lower(name[i + 1])));
        if ((joint || hump) && !words.back().empty()) words.emplace_back();
        if (!joint) words.back() += c;
    }
    while (!words.empty() && std::ranges::all_of(words.back(), is_digit)) words.pop_back();
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

/// Of a file, and not 32 random octets as base64, which may begin with a '/', too.
bool is_absolute_path(std::string_view value) {
    return value.starts_with('/') &&
           (value.size() <= short_path_bytes_max || value.find_first_of(".-_") != value.npos);
}

bool is_secret_name(std::string_view name, std::string_view value) {
    if (is_list_of_users(name)) return true;
    const auto words = words_of(name);
    if (words.empty() || is_switch(value)) return false;
    const auto any_in = [&](const auto& list) {
        return std::ranges::any_of(words, [&](const auto& word) { return has(list, word); });
    };
    const auto& last = words.back();
    if (any_in(open_words)) return false;
    const bool secret_id = last == "ID" && words.size() > 1 && words[words.size() - 2] == "SECRET";
    if (has(about, last) && !secret_id) return false;
    if (has(password_words, last)) return true;
    // NUMBER_OF_PASSWORDS_KEPT=5 counts; what is longer than any count was drawn.
    if (is_number(value) && value.size() <= number_digits_max)
        return secret_id || (has(secret_words, last) && !has(counted_words, last));
    if (any_in(password_words)) return true;
    if (is_absolute_path(value)) return false;
    return last == "AUTH" || secret_id || audit::names_secret(name) || any_in(secret_words);
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
    const auto holds = [&](std::string_view hook) { return value.contains(hook); };
    return audit::looks_secret(value) || is_connection_string(value) ||
           std::ranges::any_of(hooks, holds) ||
           std::ranges::any_of(shapes, [&](const Shape& shape) {
               return value.starts_with(shape.begins) && value.size() >= shape.bytes_min;
           });
}

/// Those of secrets, and those that took one in: values take in what stands above them only, so one walk finds all.
std::set<std::string_view> secret_names(std::span<const config::DotenvAssignment> assignments) {
    std::set<std::string_view> names;
    for (const auto& each : assignments) {
        const bool holds_one = std::ranges::any_of(
            each.uses, [&](const auto& used) { return names.contains(used.name); });
        if (holds_one || is_secret_variable(each.name, each.value.view())) names.insert(each.name);
    }
    return names;
}

/// Why it cannot be sealed as it is. @param lines  all that set it
std::string fault(const EnvRow& row, std::span<const config::DotenvAssignment* const> lines) {
    const auto& last = *lines.back();
    if (const auto named = check_secret_path(row.path); !named) return named.error().detail;
    for (const auto* line : lines) {
        if (line->value.view() != last.value.view())
            return fmt::format("lines {} and {} give it different values; leave one of them",
                               line->line, last.line);
    }
    for (const auto& used : last.uses) {
        if (used.from == config::DotenvReference::From::nobody)
            return fmt::format("${{{}}} is not set here; write what it stands for", used.name);
    }
    const auto strength = crypto::check_secret_strength(row.value.view(), 1);
    if (!strength && (strength.error().reason == "secret.published" ||
                      strength.error().reason == "secret.placeholder"))
        return strength.error().detail +
               "; put another value in its place, here and where it is used";
    return {};
}

/// The file alone does not say what was sealed then.
std::string taken_from_process(const config::DotenvAssignment& assignment) {
    std::string names;
    for (const auto& used : assignment.uses) {
        if (used.from != config::DotenvReference::From::process) continue;
        names += (names.empty() ? "" : ", ") + used.name;
    }
    return names.empty() ? names : "with " + names + " of the environment of this command";
}

std::uint32_t line_of(std::string_view text, std::size_t at) {
    return 1 + static_cast<std::uint32_t>(std::ranges::count(text.substr(0, at), '\n'));
}

}  // namespace

bool is_secret_variable(std::string_view name, std::string_view value) {
    return !value.empty() && (is_secret_name(name, value) || is_secret_value(value));
}

std::vector<EnvRow> rows_of(std::span<const config::DotenvAssignment> assignments,
                            std::string_view folder, const EnvReasons& stay) {
    const auto names = secret_names(assignments);
    std::map<std::string_view, std::vector<const config::DotenvAssignment*>> lines;
    for (const auto& each : assignments)
        if (names.contains(each.name)) lines[each.name].push_back(&each);
    std::vector<EnvRow> rows;
    for (const auto& each : assignments) {
        const auto found = lines.find(each.name);
        if (found == lines.end() || found->second.back() != &each) continue;
        const auto has_value = [](const auto* line) { return !line->value.empty(); };
        if (std::ranges::none_of(found->second, has_value)) continue;
        EnvRow row{.name = each.name,
                   .path = std::string(folder) + each.name,
                   .value = each.value,
                   .state = {}};
        if (const auto reason = stay.find(each.name); reason != stay.end()) {
            row.fate = EnvRow::Fate::stays;
            row.state = "stays: " + reason->second;
        } else if (auto wrong = fault(row, found->second); !wrong.empty()) {
            row.fate = EnvRow::Fate::refused;
            row.state = "refused: " + std::move(wrong);
        } else {
            row.state = taken_from_process(each);
        }
        rows.push_back(std::move(row));
    }
    keep_what_is_mentioned(rows, assignments);
    return rows;
}

void keep_what_is_mentioned(std::vector<EnvRow>& rows,
                            std::span<const config::DotenvAssignment> assignments) {
    std::map<std::string_view, EnvRow*> moving;
    for (auto& row : rows)
        if (row.fate == EnvRow::Fate::moves) moving.emplace(row.name, &row);
    // Each round but the last lets one more name stay.
    for (bool again = true; again;) {
        again = false;
        for (const auto& each : assignments) {
            if (moving.contains(each.name)) continue;
            for (const auto& used : each.uses) {
                const auto found = moving.find(used.name);
                if (found == moving.end()) continue;
                found->second->fate = EnvRow::Fate::stays;
                found->second->state =
                    fmt::format("stays: line {} mentions it, and {} stays", each.line, each.name);
                moving.erase(found);
                again = true;
            }
        }
    }
}

std::vector<std::string> settings_of(std::span<const config::DotenvAssignment> assignments,
                                     std::span<const EnvRow> rows) {
    std::vector<std::string> names;
    for (const auto& each : assignments) {
        if (each.value.empty() || std::ranges::find(names, each.name) != names.end()) continue;
        if (std::ranges::find(rows, each.name, &EnvRow::name) == rows.end())
            names.push_back(each.name);
    }
    return names;
}

std::string without(std::string_view text, std::span<const config::DotenvAssignment> assignments,
                    std::span<const EnvRow> rows) {
    std::string out;
    std::size_t from = 0;
    for (const auto& each : assignments) {
        const auto found = std::ranges::find(rows, each.name, &EnvRow::name);
        if (found == rows.end() || found->fate != EnvRow::Fate::moves) continue;
        out += text.substr(from, each.begin - from);
        out += "# " + each.name + " (migrated to encrypted storage): gatehouse secrets get " +
               found->path;
        from = each.end;
        if (from < text.size() && text[from] == '#') out += ' ';  // A='b'#c
    }
    return out += text.substr(from);
}

std::optional<std::string> changed_in(std::string_view rest, std::string_view text,
                                      std::span<const EnvRow> rows,
                                      const config::Environment& process) {
    const config::Environment none;
    for (const auto* environment : {&process, &none}) {
        const auto before = config::parse_dotenv(text, {}, *environment);
        const auto after = config::parse_dotenv(rest, {}, *environment);
        if (!before || !after) return "the file";
        for (const auto& [name, value] : before->all()) {
            const auto row = std::ranges::find(rows, name, &EnvRow::name);
            if (row != rows.end() && row->fate == EnvRow::Fate::moves) continue;
            if (after->find(name) != value) return name;
        }
    }
    return std::nullopt;
}

std::vector<std::uint32_t> lines_with(std::string_view text, std::span<const EnvRow> rows) {
    std::set<std::uint32_t> lines;
    for (const auto& each : rows) {
        const auto value = each.value.view();
        if (each.fate != EnvRow::Fate::moves || value.size() < looked_for_bytes_min) continue;
        for (auto at = text.find(value); at != text.npos; at = text.find(value, at + value.size()))
            lines.insert(line_of(text, at));
    }
    return {lines.begin(), lines.end()};
}

}  // namespace gh::vault
