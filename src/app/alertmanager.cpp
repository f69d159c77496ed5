#include "app/alertmanager.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "config/file.hpp"
#include "config/problem.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "export/counter_text.hpp"

namespace gh::app {
namespace {

namespace json = codec::json;

constexpr std::size_t answer_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t shown_bytes_max = 300;

Error usage(std::string text) {
    return {ErrorKind::invalid_argument, "usage", "command line: " + std::move(text)};
}

void write_labels(json::Writer& out, std::string_view name, const Labels& labels) {
    out.name(name).begin_object();
    for (const auto& [key, value] : labels) out.name(key).string(value);
    out.end_object();
}

std::vector<std::string> texts_of(const json::Value* list, std::string_view member = {}) {
    std::vector<std::string> texts;
    const auto* items = list != nullptr ? list->array() : nullptr;
    if (items == nullptr) return texts;
    for (const auto& item : *items) {
        const auto* text = member.empty() ? item.string() : item.find_string(member);
        if (text != nullptr) texts.push_back(*text);
    }
    return texts;
}

/// What the status means for who runs the command.
std::string advice_for(std::uint16_t status, const std::string& url) {
    if (status == 401 || status == 403)
        return "it wants to know who asks: give the file of a bearer token by --token-file";
    if (status == 404)
        return fmt::format(
            "there is no API v2 below {}; --alertmanager is the address of its web page, with its "
            "--web.route-prefix",
            url);
    if (status >= 300 && status < 400) return "it leads elsewhere; name that address";
    if (status >= 500) return "look into its log";
    return "it takes no such alert";
}

}  // namespace

bool is_label_name(std::string_view name) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    return !name.empty() && letter(name.front()) && std::ranges::all_of(name, inner);
}

Result<Alertmanager> Alertmanager::at(const std::string& url, const std::string& ca_file,
                                      const std::string& token_file) {
    auto place = codec::parse_https_url(url, codec::PlainHttp::anywhere);
    if (!place || place->target.contains('?')) {
        return std::unexpected(
            usage(fmt::format("--alertmanager: {} is no http or https URL, such as "
                              "http://127.0.0.1:9093",
                              config::quote(url))));
    }
    Alertmanager made;
    while (place->target.ends_with('/')) place->target.pop_back();
    made.question_.url = *std::move(place);
    made.question_.body_bytes_max = answer_bytes_max;
    made.url_ = fmt::format("{}://{}{}", made.question_.url.tls ? "https" : "http",
                            made.question_.url.authority, made.question_.url.target);
    if (auto trust = trust_for(made.question_.url, ca_file)) {
        made.question_.tls = *std::move(trust);
    } else {
        return std::unexpected(usage("--ca: " + describe(trust.error())));
    }
    if (!token_file.empty()) {
        if (!codec::parse_https_url(url))
            return std::unexpected(usage("--token-file: only by https, or to this machine"));
        const auto token = credential_in(token_file);
        if (!token) return std::unexpected(usage("--token-file: " + token.error().detail));
        made.question_.fields.emplace_back("Authorization", fmt::format("Bearer {}", *token));
    }
    return made;
}

Result<std::string> Alertmanager::ask(std::string_view path, std::string body) const {
    auto question = question_;
    question.url.target += path;
    if (!body.empty()) question.content_type = "application/json";
    question.body = std::move(body);
    auto answer = ask_once(question);
    if (!answer) {
        return fail(
            ErrorKind::unavailable, "alertmanager.away",
            fmt::format("no Alertmanager answers at {}: {}\nIs it running (systemctl status "
                        "prometheus-alertmanager), and is --alertmanager where it listens?",
                        url_, why_unanswered(answer.error())));
    }
    if (answer->status / 100 == 2) return std::move(answer->body);
    const auto said = config::trim(answer->body).substr(0, shown_bytes_max);
    return fail(
        ErrorKind::invalid_argument, "alertmanager.refused",
        fmt::format("{}{} answers {}{}{}\n{}", url_, path.substr(0, path.find('?')), answer->status,
                    said.empty() ? "" : ": ", said.empty() ? "" : config::json_string(said),
                    advice_for(answer->status, url_)));
}

Result<void> Alertmanager::post(const Labels& labels, const Labels& annotations,
                                std::chrono::milliseconds lifetime) const {
    const auto now = std::chrono::system_clock::now();
    std::string body;
    json::Writer out(body);
    out.begin_array().begin_object();
    write_labels(out, "labels", labels);
    write_labels(out, "annotations", annotations);
    out.name("startsAt").string(config::time_text(now));
    out.name("endsAt").string(config::time_text(now + lifetime));
    out.end_object().end_array();
    GH_TRY_VOID(ask("/api/v2/alerts", std::move(body)));
    return {};
}

Result<std::optional<Standing>> Alertmanager::standing(const std::string& label,
                                                       const std::string& value) const {
    GH_TRY(const auto body,
           ask(fmt::format("/api/v2/alerts?filter={}%3D%22{}%22", label, value), {}));
    const auto read = json::parse(body, {.bytes_max = answer_bytes_max});
    const auto* alerts = read ? read->array() : nullptr;
    if (alerts == nullptr) {
        return fail(ErrorKind::invalid_argument, "alertmanager.refused",
                    fmt::format("what answers at {} is no Alertmanager with an API v2", url_));
    }
    if (alerts->empty()) return std::nullopt;
    const auto& alert = alerts->front();
    const auto* status = alert.find("status");
    const auto held = [status](std::string_view by) {
        return texts_of(status != nullptr ? status->find(by) : nullptr);
    };
    return Standing{.receivers = texts_of(alert.find("receivers"), "name"),
                    .silenced_by = held("silencedBy"),
                    .inhibited_by = held("inhibitedBy")};
}

Result<Sent> Alertmanager::sent() const {
    constexpr std::string_view attempts = "alertmanager_notification_requests_total";
    constexpr std::string_view failures = "alertmanager_notification_requests_failed_total";
    GH_TRY(const auto page, ask("/metrics", {}));
    Sent sent{.well = exporting::read_counter(page, attempts, "integration"),
              .badly = exporting::read_counter(page, failures, "integration")};
    for (auto& [integration, count] : sent.well) {
        if (const auto failed = sent.badly.find(integration); failed != sent.badly.end())
            count -= failed->second;
    }
    return sent;
}

}  // namespace gh::app
