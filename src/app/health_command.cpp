#include "app/health_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "app/ask_once.hpp"
#include "app/own_listener.hpp"
#include "app/verb_state.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"

namespace gh::app {
namespace {

using net::Service;

constexpr std::chrono::milliseconds timeout_max{60'000};

std::string_view path_of(const HealthOptions& options) {
    return options.ready ? "/health/ready" : "/health/live";
}

Error usage(std::string text) {
    return {ErrorKind::invalid_argument, "usage", "command line: " + std::move(text)};
}

Result<Question> question_of_url(const HealthOptions& options) {
    auto url = codec::parse_https_url(options.url, codec::PlainHttp::anywhere);
    if (!url) {
        return std::unexpected(
            usage(fmt::format("--url: {} is no http or https URL, such as http://127.0.0.1:9901",
                              config::quote(options.url))));
    }
    if (url->target == "/") url->target = path_of(options);
    Question question{.url = *std::move(url)};
    auto trust = trust_for(question.url, options.ca_file);
    if (!trust) return std::unexpected(usage("--ca: " + describe(trust.error())));
    question.tls = *std::move(trust);
    return question;
}

Result<Question> question_of_settings(const Settings& settings, const HealthOptions& options) {
    const auto* listener = listener_serving(settings, Service::health, Service::api);
    if (listener == nullptr) {
        return fail(ErrorKind::not_found, "health.no_listener",
                    "no listener of the configuration serves health; add it to `serve` of one, or "
                    "say --url");
    }
    GH_TRY(auto question, question_to(*listener, settings, std::string(path_of(options))));
    // Nothing is sent that is to be kept, and the answer of this machine is one word.
    if (question.url.tls) {
        GH_TRY(question.tls, net::TlsClientContext::make_unverified());
    }
    return question;
}

/// Checks of /health/ready that fail, by name; an answer that is none of ours names nothing.
std::string failing_checks(const std::string& body) {
    const auto read = codec::json::parse(body);
    const auto* checks = read ? read->find("checks") : nullptr;
    const auto* members = checks != nullptr ? checks->object() : nullptr;
    if (members == nullptr) return {};
    std::string names;
    for (const auto& [name, check] : *members) {
        const auto* status = check.find_string("status");
        if (status == nullptr || *status == "healthy" || *status == "degraded") continue;
        names += fmt::format("{}{} is {}", names.empty() ? "" : ", ", config::quote(name),
                             config::quote(*status));
    }
    return names;
}

Result<void> judge(const Question& question, const HealthOptions& options) {
    const auto where = fmt::format("{}://{}{}", question.url.tls ? "https" : "http",
                                   question.url.authority, question.url.target);
    const auto answer = ask_once(question);
    if (!answer) {
        return fail(answer.error().kind, "health.no_answer",
                    fmt::format("{} does not answer: {}", where, why_unanswered(answer.error())));
    }
    if (answer->status == 200) return {};
    const auto names = options.ready ? failing_checks(answer->body) : std::string();
    return fail(
        ErrorKind::unavailable, "health.status",
        fmt::format("{} answers {}{}{}", where, answer->status, names.empty() ? "" : ": ", names));
}

Result<void> look(const Overrides& overrides, const Surroundings& surroundings,
                  const HealthOptions& options) {
    const auto timeout = config::parse_duration(options.timeout);
    if (!timeout || *timeout <= std::chrono::milliseconds(0) || *timeout > timeout_max) {
        return std::unexpected(
            usage(fmt::format("--timeout: {} is no duration such as 5s, at most 60s",
                              config::quote(options.timeout))));
    }
    Question question;
    if (!options.url.empty()) {
        GH_TRY(question, question_of_url(options));
    } else {
        if (!options.ca_file.empty()) return std::unexpected(usage("--ca: only with --url"));
        GH_TRY(const auto read, read_settings(overrides, surroundings));
        GH_TRY(question, question_of_settings(read.settings, options));
    }
    question.timeout = *timeout;
    return judge(question, options);
}

}  // namespace

CommandResult health(const Overrides& overrides, const Surroundings& surroundings,
                     const HealthOptions& options) {
    const auto well = look(overrides, surroundings, options);
    if (!well) return failed(well.error());
    return {.exit_code = 0, .out = options.ready ? "ready\n" : "alive\n", .err = {}};
}

}  // namespace gh::app
