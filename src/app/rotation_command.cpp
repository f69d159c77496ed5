#include "app/rotation_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <utility>

#include "api/object.hpp"
#include "api/types.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"
#include "vault/rotation/roles.hpp"
#include "vault/rotation/rotator.hpp"
#include "vault/rotation/shown.hpp"

namespace gh::app {
namespace {

using namespace vault::rotation;

constexpr auto patience = seconds(60);
constexpr auto look_every = milliseconds(200);

SystemTime now() { return std::chrono::system_clock::now(); }

/// The rotations of a data directory as a verb has them.
struct RotationVerb {
    std::unique_ptr<VerbState> verb;

    [[nodiscard]] vault::SecretRepository secrets() {
        return {*verb->state->database, *verb->keyring};
    }
    [[nodiscard]] Repository rotations() { return {*verb->state->database, *verb->keyring}; }
};

Result<RotationVerb> open_rotations(const Overrides& overrides, const Surroundings& surroundings) {
    GH_TRY(auto verb, open_verb_state(overrides, surroundings));
    return RotationVerb{std::move(verb)};
}

storage::Also<Rotation> recorded(std::string action) {
    return recorded_rule(audit::act_of_shell(std::move(action), "secret"));
}

CommandResult failed_rotation(Error error, const RotationOptions& options) {
    if (error.reason == "rotation.unknown") {
        error.detail =
            fmt::format("there is no rotation of {}; gatehouse secrets rotation set {} makes one",
                        options.path, options.path);
    } else if (error.reason == "rotation.rule") {
        error.reason = "usage";
        error.detail = "command line: " + error.detail;
    }
    return failed(error);
}

std::string moment(const std::optional<SystemTime>& time) {
    return time ? config::time_text(*time) : "-";
}

template <class T>
CommandResult printed(const api::Type<T>& type, const T& value) {
    return {.exit_code = 0, .out = type.json(value) + "\n", .err = {}};
}

// --- rules ---

Result<Generator> generator_of(const RotationOptions& options) {
    Generator by;
    const auto kind = options.generator.value_or("random");
    if (kind == "key-pair") by.kind = Kind::key_pair;
    if (kind == "postgresql") by.kind = Kind::postgresql;
    by.length = options.length.value_or(by.length);
    by.alphabet = options.alphabet.value_or(by.alphabet);
    by.field = options.field.value_or(by.field);
    by.private_field = options.private_field.value_or(by.private_field);
    by.public_field = options.public_field.value_or(by.public_field);
    by.connection = options.connection.value_or("");
    by.database = options.database.value_or("");
    by.roles = options.roles;
    if (options.key_type) {
        GH_TRY(by.key_type, key_type_named(*options.key_type));
    }
    return by;
}

Result<seconds> period_of(const std::optional<std::string>& text) {
    if (!text) return seconds(0);
    return parse_period(*text);
}

/// As the API would read it, so that both refuse the same.
Result<Rule> rule_of(const RotationOptions& options) {
    Rule rule;
    GH_TRY(rule.generator, generator_of(options));
    GH_TRY(rule.every, period_of(options.every));
    GH_TRY(rule.overlap, period_of(options.overlap));
    GH_TRY(rule.hold_max, period_of(options.hold));
    if (options.after_hold == "roll-back") rule.after_hold = AfterHold::roll_back;
    rule.consumers = options.consumers;
    return parse_rule(text_of(rule));
}

std::string as_table(const std::vector<Rotation>& rotations) {
    std::string text;
    for (const auto& each : rotations) {
        fmt::format_to(std::back_inserter(text), "{:<40} {:<10} {:<9} version {:<4} due {}{}\n",
                       each.path, name_of(each.rule.generator.kind), name_of(each.state),
                       each.current_version, moment(each.due_at),
                       each.failures > 0 ? fmt::format(" failed {} times", each.failures) : "");
    }
    return text;
}

std::string in_words(const Rotation& each) {
    const auto& rule = each.rule;
    auto text = fmt::format("{}: {}, every {}, overlap {}, hold {} then {}\n", each.path,
                            name_of(rule.generator.kind), config::duration_text(rule.every),
                            config::duration_text(rule.overlap),
                            config::duration_text(rule.hold_max), name_of(rule.after_hold));
    fmt::format_to(std::back_inserter(text), "state {}, version {}, rotated {}, due {}\n",
                   name_of(each.state), each.current_version, moment(each.rotated_at),
                   moment(each.due_at));
    if (each.previous_version != 0) {
        fmt::format_to(std::back_inserter(text), "version {} is good still, until {}\n",
                       each.previous_version,
                       moment(each.held_until ? each.held_until : each.overlap_ends_at));
    }
    if (each.failures > 0) {
        fmt::format_to(std::back_inserter(text), "failed {} times, tried again {}: {}\n",
                       each.failures, moment(each.wake_at), each.error);
    }
    return text;
}

Task<Result<std::vector<Rotation>>> all_rotations(Repository rotations) {
    std::vector<Rotation> all;
    RotationPage page;
    for (;;) {
        GH_CO_TRY(auto some, co_await rotations.list(page));
        if (some.empty()) co_return all;
        page.after = some.back().path;
        all.insert(all.end(), std::make_move_iterator(some.begin()),
                   std::make_move_iterator(some.end()));
    }
}

// --- now ---

/// Done here, or by a node that was faster.
Task<Result<Rotation>> see_through(Rotator& rotator, Repository rotations, Rotation asked) {
    const auto path = asked.path;
    const auto give_up = now() + patience;
    while (now() < give_up) {
        const auto done = co_await rotator.advance(path);
        if (!done) co_return std::unexpected(done.error());
        GH_CO_TRY(auto after, co_await rotations.find(path));
        if (after.rotated_at > asked.rotated_at || after.failures > asked.failures) co_return after;
        net::Sleep pause(*net::Loop::current(), look_every);
        co_await pause;
    }
    co_return fail(ErrorKind::deadline_exceeded, "rotation.patience",
                   "another node is about it for more than a minute; see gatehouse secrets "
                   "rotation history " +
                       path);
}

CommandResult judged(const Overrides& overrides, const Surroundings& surroundings,
                     const RotationOptions& options, Verdict verdict, std::string action) {
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    const auto done = net::run_to_end(
        opened->rotations().judge(options.path, verdict, now(), recorded(std::move(action))));
    if (!done) return failed_rotation(done.error(), options);
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("a running serve does it within a second: {} {}\n", name_of(verdict),
                               options.path)};
}

}  // namespace

CommandResult secrets_rotate(const Overrides& overrides, const Surroundings& surroundings,
                             const RotationOptions& options) {
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    auto rotations = opened->rotations();
    auto secrets = opened->secrets();
    const net::WorkPool making({.threads = 1, .queue_max = 1, .name = "key making"});
    telemetry::NoLog nowhere;
    telemetry::Log log(nowhere, telemetry::LogLevel::error);
    Rotator rotator({rotations, secrets, making, opened->verb->registry, log,
                     [](std::string action, std::string path) {
                         return audit::act_of_shell(std::move(action), "secret", std::move(path));
                     }});
    const auto before =
        net::run_to_end(rotations.ask_for(options.path, now(), recorded("secret.rotation_ask")));
    if (!before) return failed_rotation(before.error(), options);
    const auto after = net::run_to_end(see_through(rotator, rotations, *before));
    if (!after) return failed_rotation(after.error(), options);
    if (after->failures > before->failures) {
        return failed({ErrorKind::unavailable, "rotation.failed",
                       after->error + "; it is tried again " + moment(after->wake_at)});
    }
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("version {} of {}\n", after->current_version, options.path)};
}

CommandResult rotation_set(const Overrides& overrides, const Surroundings& surroundings,
                           const RotationOptions& options) {
    auto rule = rule_of(options);
    if (!rule) return failed_rotation(rule.error(), options);
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    auto secrets = opened->secrets();
    auto server =
        net::run_to_end(server_for(secrets, options.path, rule->generator, NamedBy::shell, now()));
    if (!server) return failed_rotation(server.error(), options);
    const auto made = net::run_to_end(opened->rotations().set(options.path, *std::move(rule), now(),
                                                              recorded("secret.rotation_set"),
                                                              *std::move(server)));
    if (!made) return failed_rotation(made.error(), options);
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("the next rotation of {}: {}\n", made->path,
                               made->due_at ? moment(made->due_at) : "when somebody asks for it")};
}

CommandResult rotation_show(const Overrides& overrides, const Surroundings& surroundings,
                            const RotationOptions& options) {
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    const auto found = net::run_to_end(opened->rotations().find(options.path));
    if (!found) return failed_rotation(found.error(), options);
    if (options.json) return printed(rotation_type(), shown(*found));
    return {.exit_code = 0, .out = in_words(*found), .err = {}};
}

CommandResult rotation_list(const Overrides& overrides, const Surroundings& surroundings,
                            const RotationOptions& options) {
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    const auto found = net::run_to_end(all_rotations(opened->rotations()));
    if (!found) return failed(found.error());
    if (!options.json) return {.exit_code = 0, .out = as_table(*found), .err = {}};
    std::vector<ShownRotation> all;
    for (const auto& each : *found) all.push_back(shown(each));
    return printed(api::list_of(rotation_type()), all);
}

CommandResult rotation_delete(const Overrides& overrides, const Surroundings& surroundings,
                              const RotationOptions& options) {
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    const auto gone = net::run_to_end(opened->rotations().remove(
        options.path, options.force, now(), recorded("secret.rotation_delete")));
    if (!gone) return failed_rotation(gone.error(), options);
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("{} is rotated no longer, and stays as it is\n", options.path)};
}

CommandResult rotation_history(const Overrides& overrides, const Surroundings& surroundings,
                               const RotationOptions& options) {
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    const auto found = net::run_to_end(
        opened->rotations().runs(options.path, {}, static_cast<std::size_t>(runs_kept)));
    if (!found) return failed_rotation(found.error(), options);
    if (options.json) return printed(api::list_of(run_type()), *found);
    std::string text;
    for (const auto& run : *found) {
        fmt::format_to(std::back_inserter(text), "{} {:<9} {:<11} attempt {} version {} {}\n",
                       moment(run.started_at), name_of(run.kind), name_of(run.state), run.attempt,
                       run.version, run.detail);
    }
    return {.exit_code = 0, .out = std::move(text), .err = {}};
}

CommandResult rotation_consumers(const Overrides& overrides, const Surroundings& surroundings,
                                 const RotationOptions& options) {
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    auto rotations = opened->rotations();
    const auto rotation = net::run_to_end(rotations.find(options.path));
    if (!rotation) return failed_rotation(rotation.error(), options);
    const auto seen = net::run_to_end(rotations.consumers(options.path));
    if (!seen) return failed_rotation(seen.error(), options);
    const auto all = shown(*rotation, *seen, now());
    if (options.json) return printed(api::list_of(consumer_type(), {.items_max = all.size()}), all);
    std::string text;
    for (const auto& each : all) {
        fmt::format_to(std::back_inserter(text), "{:<40} version {:<4} {}{}\n", each.consumer,
                       each.version ? std::to_string(*each.version) : "-", moment(each.used_at),
                       each.lags ? " has not moved" : "");
    }
    return {.exit_code = 0, .out = std::move(text), .err = {}};
}

CommandResult rotation_forget_consumer(const Overrides& overrides, const Surroundings& surroundings,
                                       const RotationOptions& options) {
    auto opened = open_rotations(overrides, surroundings);
    if (!opened) return failed(opened.error());
    auto record = audit::act_of_shell("secret.consumer_forget", "secret", options.path);
    record.details.push_back({"consumer", options.consumer});
    const auto gone = net::run_to_end(opened->rotations().forget_consumer(
        options.path, options.consumer, audit::also<bool>(std::move(record))));
    if (!gone) return failed_rotation(gone.error(), options);
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("{} holds nothing any more\n", options.consumer)};
}

CommandResult rotation_proceed(const Overrides& overrides, const Surroundings& surroundings,
                               const RotationOptions& options) {
    return judged(overrides, surroundings, options, Verdict::proceed, "secret.rotation_proceed");
}

CommandResult rotation_roll_back(const Overrides& overrides, const Surroundings& surroundings,
                                 const RotationOptions& options) {
    return judged(overrides, surroundings, options, Verdict::roll_back,
                  "secret.rotation_roll_back_ask");
}

}  // namespace gh::app
