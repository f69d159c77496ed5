#include "pki/acme_client/documents.hpp"

#include <algorithm>
#include <ctime>

#include "base/try.hpp"
#include "codec/https_url.hpp"
#include "codec/json.hpp"
#include "config/unit.hpp"
#include "pki/acme/identifier.hpp"

namespace gh::pki::acme_client {
namespace {

using codec::json::Value;

constexpr codec::json::Limits limits{.bytes_max = document_bytes_max, .depth_max = 16};
constexpr std::string_view error_space = "urn:ietf:params:acme:error:";
constexpr seconds retry_after_max{86'400};
constexpr std::size_t challenges_max = 32;

std::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorKind::corrupt, "acme_client.malformed", std::string(what));
}

Result<Value> parse(std::string_view json, std::string_view what) {
    auto value = codec::json::parse(json, limits);
    if (!value || value->object() == nullptr)
        return malformed(std::string(what) + " is no JSON object that can be read");
    return *std::move(value);
}

Result<std::string> url_in(const Value& value, std::string_view name) {
    const auto* text = value.find_string(name);
    const bool good =
        text != nullptr && text->size() <= url_bytes_max && codec::parse_https_url(*text);
    if (!good) return malformed(std::string(name) + " is no https URL");
    return *text;
}

/// One line for an operator: what a CA writes may be anything.
std::string printable(const std::string* text) {
    if (text == nullptr) return {};
    auto out = text->substr(0, problem_text_bytes_max);
    std::ranges::replace_if(out, [](char c) { return c < ' ' || c == '\x7f'; }, ' ');
    return out;
}

Problem problem_in(const Value& value) {
    Problem problem{.type = printable(value.find_string("type")),
                    .detail = printable(value.find_string("detail"))};
    if (problem.type.starts_with(error_space)) problem.type.erase(0, error_space.size());
    const auto* list = value.find("subproblems");
    if (list == nullptr || list->array() == nullptr || list->array()->empty()) return problem;
    const auto& first = list->array()->front();
    const auto* identifier = first.find("identifier");
    if (problem.detail.size() > problem_text_bytes_max / 2)
        problem.detail.resize(problem_text_bytes_max / 2);
    problem.detail += "; " + (identifier ? printable(identifier->find_string("value")) : "") +
                      ": " + printable(first.find_string("detail"));
    if (problem.detail.size() > problem_text_bytes_max)
        problem.detail.resize(problem_text_bytes_max);
    return problem;
}

Problem problem_of(const Value& value) {
    const auto* error = value.find("error");
    return error ? problem_in(*error) : Problem{};
}

/// What has ended otherwise is as good as invalid: deactivated, expired, revoked.
Result<Standing> standing_in(const Value& value) {
    const auto* text = value.find_string("status");
    if (text == nullptr) return malformed("there is no status");
    if (*text == "pending") return Standing::pending;
    if (*text == "processing") return Standing::processing;
    if (*text == "ready") return Standing::ready;
    if (*text == "valid") return Standing::valid;
    return Standing::invalid;
}

/// §8.3: base64url; it becomes part of a path and of a text that others compare.
bool is_token(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= token_bytes_max && std::ranges::all_of(text, allowed);
}

Result<SystemTime> time_in(const Value& window, std::string_view name) {
    const auto* text = window.find_string(name);
    if (text == nullptr) return malformed(std::string(name) + " is missing");
    auto whole = *text;
    // Of a second's fraction nothing is taken (RFC 3339 §5.6).
    if (const auto dot = whole.find('.'); dot != std::string::npos) {
        const auto end = whole.find_first_not_of("0123456789", dot + 1);
        if (end == std::string::npos || end == dot + 1)
            return malformed(std::string(name) + " is no time");
        whole.erase(dot, end - dot);
    }
    if (whole.ends_with("+00:00")) whole.replace(whole.size() - 6, 6, "Z");
    const auto time = config::parse_time(whole);
    if (!time) return malformed(std::string(name) + " is no time in UTC");
    return *time;
}

}  // namespace

std::string Problem::text() const {
    if (type.empty()) return detail.empty() ? "no reason given" : detail;
    return detail.empty() ? type : type + ": " + detail;
}

Problem read_problem(std::string_view json) {
    const auto value = codec::json::parse(json, limits);
    return value && value->object() ? problem_in(*value) : Problem{};
}

Result<Directory> read_directory(std::string_view json) {
    GH_TRY(const auto value, parse(json, "the directory"));
    Directory found;
    GH_TRY(found.new_nonce, url_in(value, "newNonce"));
    GH_TRY(found.new_account, url_in(value, "newAccount"));
    GH_TRY(found.new_order, url_in(value, "newOrder"));
    if (value.find("renewalInfo")) {
        GH_TRY(found.renewal_info, url_in(value, "renewalInfo"));
    }
    if (const auto* meta = value.find("meta")) {
        if (const auto* wanted = meta->find("externalAccountRequired"))
            found.external_account_required = wanted->boolean().value_or(false);
        found.terms = printable(meta->find_string("termsOfService"));
    }
    return found;
}

Result<Order> read_order(std::string_view json) {
    GH_TRY(const auto value, parse(json, "the order"));
    Order order;
    GH_TRY(order.standing, standing_in(value));
    const auto* list = value.find("authorizations");
    if (list == nullptr || list->array() == nullptr)
        return malformed("an order has authorizations");
    if (list->array()->size() > authorizations_max)
        return malformed("an order has too many authorizations");
    for (const auto& each : *list->array()) {
        const auto* url = each.string();
        if (url == nullptr || url->size() > url_bytes_max || !codec::parse_https_url(*url))
            return malformed("an authorization of an order is no https URL");
        order.authorizations.push_back(*url);
    }
    GH_TRY(order.finalize, url_in(value, "finalize"));
    if (value.find("certificate")) {
        GH_TRY(order.certificate, url_in(value, "certificate"));
    }
    order.problem = problem_of(value);
    return order;
}

Result<Authorization> read_authorization(std::string_view json) {
    GH_TRY(const auto value, parse(json, "the authorization"));
    Authorization found;
    GH_TRY(found.standing, standing_in(value));
    const auto* identifier = value.find("identifier");
    const auto* name = identifier ? identifier->find_string("value") : nullptr;
    auto read = name ? acme::read_identifier(*name) : malformed("");
    if (!read) return malformed("an authorization names no DNS name");
    found.name = *std::move(read);
    const auto* list = value.find("challenges");
    if (list == nullptr || list->array() == nullptr)
        return malformed("an authorization has challenges");
    for (const auto& each : *list->array()) {
        const auto* type = each.find_string("type");
        const auto* token = each.find_string("token");
        auto url = url_in(each, "url");
        if (type == nullptr || token == nullptr || !url || !is_token(*token)) continue;
        if (found.challenges.size() == challenges_max) break;
        found.challenges.push_back({*type, *std::move(url), *token, problem_of(each)});
    }
    return found;
}

const Authorization::Challenge* Authorization::find(std::string_view type) const {
    const auto found = std::ranges::find(challenges, type, &Challenge::type);
    return found == challenges.end() ? nullptr : &*found;
}

Problem Authorization::problem() const {
    for (const auto& each : challenges) {
        if (!each.problem.type.empty()) return each.problem;
    }
    return {};
}

Result<RenewalWindow> read_renewal_window(std::string_view json) {
    GH_TRY(const auto value, parse(json, "the renewal information"));
    const auto* window = value.find("suggestedWindow");
    if (window == nullptr || window->object() == nullptr)
        return malformed("there is no suggestedWindow");
    RenewalWindow found;
    GH_TRY(found.start, time_in(*window, "start"));
    GH_TRY(found.end, time_in(*window, "end"));
    // RFC 9773 §4.2: one that ends before it begins is no window.
    if (found.end < found.start) return malformed("the suggestedWindow ends before it begins");
    return found;
}

std::optional<seconds> read_retry_after(std::string_view value, SystemTime now) {
    if (const auto count = config::parse_integer(value); count && *count >= 0)
        return seconds(std::min<std::int64_t>(*count, retry_after_max.count()));
    std::tm parts{};
    const std::string text(value);
    const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    // In seconds: clocks do not count to the year 9999.
    const seconds moment(::timegm(&parts));
    const auto today = std::chrono::floor<seconds>(now.time_since_epoch());
    return std::clamp(moment - today, seconds(0), retry_after_max);
}

}  // namespace gh::pki::acme_client
