#include "app/profile_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "app/ask_once.hpp"
#include "app/own_listener.hpp"
#include "app/verb_state.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "config/problem.hpp"

namespace gh::app {
namespace {

constexpr std::chrono::seconds patience{20};  // beside the time that the profile takes
constexpr std::size_t answer_bytes_max = std::size_t{64} << 20;
constexpr std::size_t frames_shown_max = 12;

Error usage(std::string text) {
    return {ErrorKind::invalid_argument, "usage", "command line: " + std::move(text)};
}

std::string_view name_of(ProfileKind kind) {
    switch (kind) {
        case ProfileKind::cpu: return "cpu";
        case ProfileKind::allocations: return "allocations";
        case ProfileKind::stalls: return "stalls";
    }
    return {};
}

std::string target_of(ProfileKind kind, const ProfileOptions& options) {
    auto target = fmt::format("/api/v1/profiles/{}", name_of(kind));
    if (kind == ProfileKind::stalls) return target;
    target += "?format=" + options.format;
    if (kind == ProfileKind::cpu) target += fmt::format("&seconds={}", options.seconds);
    return target;
}

Result<Question> place_of(const Overrides& overrides, const Surroundings& surroundings,
                          const std::string& target, const ProfileOptions& options) {
    if (!options.url.empty()) {
        auto url = codec::parse_https_url(options.url);
        if (!url || url->target != "/") {
            return std::unexpected(usage(
                fmt::format("--url: {} is no https URL of a listener that serves the API; http "
                            "only to this machine, such as http://127.0.0.1:9901",
                            config::quote(options.url))));
        }
        url->target = target;
        return Question{.url = *std::move(url)};
    }
    GH_TRY(const auto read, read_settings(overrides, surroundings));
    const auto* listener = listener_serving(read.settings, net::Service::api, net::Service::api);
    if (listener == nullptr) {
        return fail(ErrorKind::not_found, "profile.no_listener",
                    "no listener of the configuration serves the API; add `api` to `serve` of one, "
                    "or say --url");
    }
    if (!listener->tls && !listener->bind.loopback()) {
        return fail(ErrorKind::invalid_argument, "profile.plain",
                    fmt::format("a key is not sent to listener {}, which has no TLS and is not of "
                                "this machine alone; say --url",
                                listener->name));
    }
    return question_to(*listener, read.settings, target);
}

Result<Question> question_for(const Overrides& overrides, const Surroundings& surroundings,
                              ProfileKind kind, const ProfileOptions& options) {
    GH_TRY(auto question, place_of(overrides, surroundings, target_of(kind, options), options));
    auto trust = trust_for(question.url, options.ca_file);
    if (!trust) return std::unexpected(usage("--ca: " + describe(trust.error())));
    question.tls = *std::move(trust);
    auto key = credential_in(options.key_file);
    if (!key) return std::unexpected(usage("--key-file: " + key.error().detail));
    const bool is_token = key->starts_with("eyJ") && std::ranges::count(*key, '.') == 2;  // a JWT
    if (is_token) {
        question.fields.emplace_back("Authorization", "Bearer " + *key);
    } else {
        question.fields.emplace_back("X-API-Key", *std::move(key));
    }
    question.timeout = patience;
    if (kind == ProfileKind::cpu) question.timeout += std::chrono::seconds(options.seconds);
    question.body_bytes_max = answer_bytes_max;
    return question;
}

Result<std::string> ask(const Question& question) {
    const auto answer = ask_once(question);
    if (!answer) {
        return fail(answer.error().kind, "profile.no_answer",
                    fmt::format("{} does not answer: {}", question.url.authority,
                                why_unanswered(answer.error())));
    }
    if (answer->status == 200) return answer->body;
    const auto problem = codec::json::parse(answer->body);
    const auto* detail = problem ? problem->find_string("detail") : nullptr;
    return fail(ErrorKind::unavailable, "profile.status",
                fmt::format("{} answers {}{}", question.url.authority, answer->status,
                            detail != nullptr ? ": " + config::quote(*detail) : ""));
}

std::int64_t number_in(const codec::json::Value& object, std::string_view name) {
    const auto* value = object.find(name);
    const auto number = value != nullptr ? value->integer() : std::nullopt;
    return number.value_or(0);
}

/// Names come from a server: no control characters reach the terminal.
std::string shown(std::string text) {
    std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}

std::string text_in(const codec::json::Value& object, std::string_view name) {
    const auto* text = object.find_string(name);
    return text != nullptr ? shown(*text) : std::string();
}

/// For people: what, how long, and where it was.
Result<std::string> tell_stalls(const std::string& body) {
    const auto read = codec::json::parse(body, {.bytes_max = answer_bytes_max});
    const auto* list = read ? read->find("stalls") : nullptr;
    const auto* stalls = list != nullptr ? list->array() : nullptr;
    if (stalls == nullptr)
        return fail(ErrorKind::corrupt, "profile.answer", "the answer is no list of stalls");
    if (stalls->empty()) return "no worker was held over 50 ms since the start\n";
    std::string text;
    for (const auto& stall : *stalls) {
        const auto* over = stall.find("over");
        const bool goes_on = over != nullptr && over->boolean() == false;
        text += fmt::format("{} worker {} was held {} ms ({} ms on a processor){}: {}\n",
                            text_in(stall, "began"), number_in(stall, "worker"),
                            number_in(stall, "held_ms"), number_in(stall, "cpu_ms"),
                            goes_on ? ", and still is" : "", text_in(stall, "coroutine"));
        const auto* stack = stall.find("stack");
        const auto* frames = stack != nullptr ? stack->array() : nullptr;
        if (frames == nullptr) continue;
        for (std::size_t i = 0; i < std::min(frames->size(), frames_shown_max); ++i) {
            if (const auto* name = (*frames)[i].string()) text += "    " + shown(*name) + '\n';
        }
    }
    return text;
}

Result<std::string> write_to(const std::filesystem::path& file, const std::string& content) {
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    GH_TRY(const auto directory, open_directory(folder));
    GH_TRY_VOID(replace_file(directory, file.filename().native(), content, 0600));
    return fmt::format("{}: {} bytes\n", file.native(), content.size());
}

Result<std::string> read_and_write(const Overrides& overrides, const Surroundings& surroundings,
                                   ProfileKind kind, const ProfileOptions& options) {
    GH_TRY(const auto question, question_for(overrides, surroundings, kind, options));
    GH_TRY(auto body, ask(question));
    if (kind == ProfileKind::stalls) {
        if (!options.json) {
            GH_TRY(body, tell_stalls(body));
        } else {
            body += '\n';
        }
        return options.output.empty() || options.output == "-" ? body
                                                               : write_to(options.output, body);
    }
    if (options.output == "-") return body;
    const auto file =
        fmt::format("{}.{}", name_of(kind), options.format == "folded" ? "folded" : "pb.gz");
    return write_to(options.output.empty() ? file : options.output, body);
}

}  // namespace

CommandResult read_profile(const Overrides& overrides, const Surroundings& surroundings,
                           ProfileKind kind, const ProfileOptions& options) {
    auto done = read_and_write(overrides, surroundings, kind, options);
    if (!done) return failed(done.error());
    return {.exit_code = 0, .out = *std::move(done), .err = {}};
}

}  // namespace gh::app
