#include "telemetry/redaction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "base/try.hpp"
#include "codec/ip.hpp"
#include "telemetry/redaction/match.hpp"
#include "telemetry/redaction/scan.hpp"

namespace gh::telemetry {

using redaction::Found;
using redaction::Mark;
using redaction::Matcher;
using redaction::Place;
using redaction::Scanner;

namespace {

constexpr std::array<std::string_view, 6> kind_names{"email",  "card",  "ssn",
                                                     "secret", "token", "ip"};
constexpr unsigned rounds_max = 8;  // what stands beside a mask may be a match only now

/// What is looked at, and by whom.
struct Watch {
    Mark mark;
    RedactedKind kind;
    Matcher match;
};

constexpr std::string_view digits = "0123456789", hex = "0123456789abcdefABCDEF";
constexpr std::string_view letters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
using enum RedactedKind;

constexpr auto compared = Mark::compared;
constexpr Watch watches[] = {
    {{"@", "", "", compared}, email, redaction::match_email},
    {{"s", ".", letters, compared}, token, redaction::match_token},
    {{"-", "-", "-", compared}, secret, redaction::match_private_key},
    {{"%", "4", "0", 0}, email, redaction::match_email},
    {{"0", "4", "0", 0}, email, redaction::match_email},
    {{"e", "y", "J", 0}, token, redaction::match_jwt},
    {{"I", "z", "a", 0}, token, redaction::match_token},
    {{"KS", "I", "A", 0}, token, redaction::match_token},
    {{":", "/", "/", 1}, secret, redaction::match_userinfo},
    {{"h", "v", "sbr", 1}, token, redaction::match_token},
    {{"pP", "aA", "sS", 2}, secret, redaction::match_named},
    {{"pP", "wW", "dD", 2}, secret, redaction::match_named},
    {{"cC", "rR", "eE", 3}, secret, redaction::match_named},
    {{"kK", "eE", "yY", 3}, secret, redaction::match_named},
    {{"bB", "eE", "aA", 3}, token, redaction::match_scheme},
    {{"oO", "kK", "eE", 4}, secret, redaction::match_named},
    {{"oO", "kK", "iI", 4}, secret, redaction::match_named},
    {{"rR", "iI", "zZ", 4}, secret, redaction::match_named},
    {{"sS", "eE", "sS", 5}, secret, redaction::match_named},
    {{"sS", "iI", "gG", 5}, secret, redaction::match_named},
    {{"sS", "iI", "cC", 5}, secret, redaction::match_scheme},
    {{"sS", "sS", "nN", 5}, ssn, redaction::match_named},
    {{"g", "h", "_eprsuo", 6}, token, redaction::match_token},
    {{"u", "b", "_", 6}, token, redaction::match_token},
    {{"sr", "k", "_-", 6}, token, redaction::match_token},
    {{"y", "p", "i", 7}, token, redaction::match_token},
    {{"x", "o", "x", 7}, token, redaction::match_token},
    {{"h", "s", "e", 7}, token, redaction::match_token},
    {{"l", "p", "a", 7}, token, redaction::match_token},
    {{"n", "p", "m", 7}, token, redaction::match_token},
    {{digits, ".", digits, 8}, ip, redaction::match_ip},
    {{hex, ":", "0123456789abcdefABCDEF:", 9}, ip, redaction::match_ip},
    {{":", ":", hex, 9}, ip, redaction::match_ip},
};

bool fits(const Mark& mark, std::string_view text, std::size_t at) {
    const std::string_view places[] = {mark.first, mark.second, mark.third};
    for (std::size_t i = 0; i < 3; ++i) {
        if (places[i].empty()) continue;
        if (at + i >= text.size()) return false;
        const char c = text[at + i];
        const bool one = places[i].size() <= 2 ? c == places[i].front() || c == places[i].back()
                                               : places[i].contains(c);
        if (!one) return false;
    }
    return true;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = redaction::lower(c);
    return out;
}

/// Whether a place in a line of JSON is within a string. Asked of places in rising order.
class Strings {
 public:
    explicit Strings(std::string_view text) : text_(text) {}
    bool holds(std::size_t place) {
        for (; at_ < place; ++at_) {
            const char c = text_[at_];
            if (escaped_) {
                escaped_ = false;
            } else if (c == '\\') {
                escaped_ = inside_;
            } else if (c == '"') {
                inside_ = !inside_;
            }
        }
        return inside_;
    }

 private:
    std::string_view text_;
    std::size_t at_ = 0;
    bool inside_ = false, escaped_ = false;
};

}  // namespace

std::string_view name_of(RedactedKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::optional<RedactedKind> redacted_kind_of(std::string_view name) {
    const auto* found = std::ranges::find(kind_names, name);
    if (found == kind_names.end()) return std::nullopt;
    return static_cast<RedactedKind>(found - kind_names.begin());
}

struct Redactor::Impl {
    Impl(RedactionRules given, std::span<const Watch> watched, std::span<const Mark> marks)
        : rules(std::move(given)), scanner(marks, has(card) || has(ssn)) {
        for (const auto& watch : watched) {
            for (const char c : watch.mark.first)
                of_first[static_cast<unsigned char>(c)].push_back(watch);
        }
    }

    [[nodiscard]] bool has(RedactedKind kind) const {
        return std::ranges::find(rules.kinds, kind) != rules.kinds.end();
    }
    [[nodiscard]] bool is_allowed(const Found& found, std::string_view written) const;
    [[nodiscard]] bool once(std::string_view text, std::string& out, Form form) const;
    [[nodiscard]] std::optional<Found> match(const Place& place) const;
    void write_mask(const Found& found, std::string_view written, std::string& out) const;

    RedactionRules rules;
    std::set<std::string, std::less<>> values;
    std::set<std::string, std::less<>> domains;
    std::vector<codec::Cidr> ranges;
    Scanner scanner;
    std::array<std::vector<Watch>, 256> of_first;
};

bool Redactor::Impl::is_allowed(const Found& found, std::string_view written) const {
    if (values.empty() && domains.empty() && ranges.empty()) return false;
    const auto value = found.value.empty() ? lowered(written) : found.value;
    if (values.contains(value)) return true;
    if (found.kind == email) return domains.contains(value.substr(value.rfind('@') + 1));
    if (found.kind != ip) return false;
    const auto address = codec::IpAddress::parse(value);
    return address &&
           std::ranges::any_of(ranges, [&](const auto& range) { return range.contains(*address); });
}

std::optional<Found> Redactor::Impl::match(const Place& place) const {
    for (const auto& watch : of_first[static_cast<unsigned char>(place.text[place.at])]) {
        if (!fits(watch.mark, place.text, place.at)) continue;
        if (auto found = watch.match(place); found && has(found->kind)) return found;
    }
    if (!has(card) && !has(ssn)) return {};
    if (!redaction::is_digit(place.text[place.at]) &&
        !std::string_view(" -+%").contains(place.text[place.at]))
        return {};
    auto found = redaction::match_number(place);
    return found && has(found->kind) ? found : std::nullopt;
}

void Redactor::Impl::write_mask(const Found& found, std::string_view written,
                                std::string& out) const {
    if (found.bare) out += '"';
    out.append("[").append(name_of(found.kind));
    if (rules.pseudonym && found.kind != secret) {
        const auto code = rules.pseudonym(found.value.empty() ? written : found.value);
        fmt::format_to(std::back_inserter(out), ":{:08x}", code);
    }
    out += ']';
    if (found.bare) out += '"';
}

bool Redactor::Impl::once(std::string_view text, std::string& out, Form form) const {
    Scanner::Batch batch;
    Strings strings(text);
    std::size_t copied = 0, numbers_end = 0;
    bool touched = false;
    do {
        scanner.find(text, batch.next, batch);
        for (std::size_t i = 0; i < batch.count; ++i) {
            std::size_t at = batch.places[i];
            if (at < copied) continue;
            // Behind a number another may stand, in the same run of digits.
            for (bool again = true; again && at < text.size();) {
                again = false;
                auto found = match({text, at, copied, form, numbers_end});
                if (!found || found->begin < copied || found->end <= found->begin) break;
                const auto written = text.substr(found->begin, found->end - found->begin);
                again = found->kind == card || found->kind == ssn;
                if (is_allowed(*found, written)) {
                    at = found->end;
                    continue;
                }
                if (form == Form::json && !found->bare && !strings.holds(found->begin)) {
                    const char before = found->begin > 0 ? text[found->begin - 1] : ' ';
                    const bool whole =
                        before != '-' && before != '.' && before != '+' &&
                        std::string_view(",]} \n").contains(redaction::char_at(text, found->end));
                    if (!whole || !std::ranges::all_of(written, redaction::is_digit)) {
                        at = found->end;
                        continue;
                    }
                    found->bare = true;
                }
                if (!touched) out.clear();
                touched = true;
                out.append(text.substr(copied, found->begin - copied));
                write_mask(*found, written, out);
                copied = at = found->end;
            }
        }
    } while (batch.next < text.size());
    if (touched) out.append(text.substr(copied));
    return touched;
}

Redactor::Redactor(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Redactor::~Redactor() = default;

Result<std::shared_ptr<const Redactor>> Redactor::make(RedactionRules rules) {
    std::vector<Watch> watched;
    std::vector<Mark> marks;
    const auto wanted = [&](RedactedKind kind) {
        return std::ranges::find(rules.kinds, kind) != rules.kinds.end();
    };
    for (const auto& watch : watches) {
        const bool either =
            watch.match == &redaction::match_scheme && (wanted(secret) || wanted(token));
        if (!either && !wanted(watch.kind)) continue;
        watched.push_back(watch);
        marks.push_back(watch.mark);
    }
    const auto allow = rules.allow;
    auto impl = std::make_unique<Impl>(std::move(rules), watched, marks);
    for (const auto& entry : allow) {
        const auto range = codec::Cidr::parse(entry);
        if (range) {
            impl->ranges.push_back(*range);
        } else if (entry.starts_with("*@") && entry.size() > 2) {
            impl->domains.insert(lowered(std::string_view(entry).substr(2)));
        } else if (entry.empty() || entry.contains('*')) {
            return fail(ErrorKind::invalid_argument, "redaction.allow",
                        "is no value, *@DOMAIN or range of addresses");
        } else {
            impl->values.insert(lowered(entry));
        }
    }
    return std::shared_ptr<const Redactor>(new Redactor(std::move(impl)));
}

bool Redactor::redact(std::string_view text, std::string& out, Form form) const {
    if (!impl_->once(text, out, form)) return false;
    std::string next;
    for (unsigned round = 1; round < rounds_max && impl_->once(out, next, form); ++round)
        out.swap(next);
    return true;
}

}  // namespace gh::telemetry
