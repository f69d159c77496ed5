#include "vault/rotation/shown.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "api/object.hpp"
#include "api/types.hpp"
#include "config/unit.hpp"

namespace gh::vault::rotation {
namespace {

using api::Object;

api::Type<std::uint64_t> count() {
    return api::integer<std::uint64_t>(0, std::numeric_limits<std::int64_t>::max());
}

}  // namespace

ShownRotation shown(const Rotation& rotation) {
    ShownRotation made{.path = rotation.path,
                       .rule = rotation.rule,
                       .state = rotation.state,
                       .current_version = rotation.current_version,
                       .previous_version = rotation.previous_version,
                       .rolled_back = rotation.rolled_back,
                       .due_at = rotation.due_at,
                       .overlap_ends_at = rotation.overlap_ends_at,
                       .held_until = rotation.held_until,
                       .rotated_at = rotation.rotated_at,
                       .next_try_at = {},
                       .failures = rotation.failures,
                       .error = {},
                       .created_at = rotation.created_at,
                       .updated_at = rotation.updated_at};
    if (rotation.failures > 0) {
        made.next_try_at = rotation.wake_at;
        made.error = rotation.error;
    }
    return made;
}

const api::Type<ShownRotation>& rotation_type() {
    static const auto moment = api::maybe(api::time());
    static const auto type =
        Object<ShownRotation>("Rotation", "A secret that is replaced by itself.")
            .required("path", &ShownRotation::path, api::text({.length_max = 512}), "The secret.")
            .required("rule", &ShownRotation::rule, rule_type(), "How.")
            .required(
                "state", &ShownRotation::state,
                api::choice<State>({{"idle", State::idle},
                                    {"pending", State::pending},
                                    {"overlap", State::overlap},
                                    {"held", State::held},
                                    {"retiring", State::retiring}}),
                "How far it is: pending has a new value that nobody reads yet; in overlap the "
                "version before is good still; held, because a consumer has not moved.")
            .required("current_version", &ShownRotation::current_version, count(),
                      "That a rotation made last; 0: none yet.")
            .required("previous_version", &ShownRotation::previous_version, count(),
                      "That is good still; 0: none.")
            .required("rolled_back", &ShownRotation::rolled_back, api::boolean(),
                      "The previous one is the one that was given up.")
            .optional("due_at", &ShownRotation::due_at, moment, "The next rotation.")
            .optional("overlap_ends_at", &ShownRotation::overlap_ends_at, moment,
                      "Until then the previous version is good in any case.")
            .optional("held_until", &ShownRotation::held_until, moment, "At the latest.")
            .optional("rotated_at", &ShownRotation::rotated_at, moment, "The last success.")
            .optional("next_try_at", &ShownRotation::next_try_at, moment, "After a failure.")
            .required("failures", &ShownRotation::failures,
                      api::integer<std::uint32_t>(0, std::numeric_limits<std::uint32_t>::max()),
                      "In a row.")
            .optional("error", &ShownRotation::error,
                      api::maybe(api::text({.length_min = 0, .length_max = 2'000, .lines = true})),
                      "Of the last failure.")
            .required("created_at", &ShownRotation::created_at, api::time(), "Of the rule.")
            .required("updated_at", &ShownRotation::updated_at, api::time(), "Of the rule.")
            .type();
    return type;
}

const api::Type<Run>& run_type() {
    static const auto moment = api::maybe(api::time());
    static const auto line = api::text({.length_min = 0, .length_max = 2'000, .lines = true});
    static const auto type =
        Object<Run>("RotationRun", "Something that was tried.")
            .required("id", &Run::id, api::text(), "Newer ones are greater.")
            .required("kind", &Run::kind,
                      api::choice<RunKind>({{"rotate", RunKind::rotate},
                                            {"hold", RunKind::hold},
                                            {"retire", RunKind::retire},
                                            {"roll_back", RunKind::roll_back}}),
                      "A new value; the version before held; ended; made current again.")
            .required("state", &Run::state,
                      api::choice<RunState>({{"running", RunState::running},
                                             {"succeeded", RunState::succeeded},
                                             {"failed", RunState::failed},
                                             {"interrupted", RunState::interrupted}}),
                      "interrupted: whoever did it came to an end; another went on with it.")
            .required("attempt", &Run::attempt,
                      api::integer<std::uint32_t>(0, std::numeric_limits<std::uint32_t>::max()),
                      "1 is the first.")
            .required("version", &Run::version, count(), "Made, held or ended; 0: none.")
            .required("reason", &Run::reason, line, "Of a failure: a word for machines.")
            .required("detail", &Run::detail, line, "Of a failure: for people.")
            .required("started_at", &Run::started_at, api::time(), "When it began.")
            .optional("ended_at", &Run::ended_at, moment, "When it ended.")
            .optional("next_at", &Run::next_at, moment, "What comes next, if anything.")
            .type();
    return type;
}

std::vector<ShownConsumer> shown(const Rotation& rotation, const std::vector<Consumer>& seen,
                                 SystemTime now) {
    const auto late = lagging(rotation, seen, now);
    std::vector<ShownConsumer> made;
    for (const auto& each : seen) {
        made.push_back({.consumer = each.name,
                        .version = each.version,
                        .used_at = each.used_at,
                        .lags = std::ranges::find(late, each) != late.end()});
    }
    for (const auto& name : rotation.rule.consumers) {
        if (std::ranges::find(seen, name, &Consumer::name) != seen.end()) continue;
        const bool lags = std::ranges::find(late, name, &Consumer::name) != late.end();
        made.push_back({.consumer = name, .version = {}, .used_at = {}, .lags = lags});
    }
    return made;
}

const api::Type<ShownConsumer>& consumer_type() {
    static const auto type =
        Object<ShownConsumer>("SecretConsumer", "Who reads a rotated secret.")
            .required("consumer", &ShownConsumer::consumer,
                      api::text({.length_max = consumer_bytes_max}), "As api_key:billing.")
            .optional("version", &ShownConsumer::version, api::maybe(count()), "That it read last.")
            .optional("used_at", &ShownConsumer::used_at, api::maybe(api::time()), "When.")
            .required("lags", &ShownConsumer::lags, api::boolean(),
                      "Holds the version before: that is the last it has read.")
            .type();
    return type;
}

storage::Also<Rotation> recorded_rule(audit::Record record) {
    return audit::also<Rotation>(
        std::move(record), [](audit::Record& told, const Rotation& rotation) {
            const auto& rule = rotation.rule;
            told.object_id = rotation.path;
            told.details.push_back({"generator", std::string(name_of(rule.generator.kind))});
            told.details.push_back({"every", config::duration_text(rule.every)});
            told.details.push_back({"overlap", config::duration_text(rule.overlap)});
            if (!rule.generator.connection.empty())
                told.details.push_back({"connection", rule.generator.connection});
            for (const auto& role : rule.generator.roles) told.details.push_back({"role", role});
        });
}

Result<api::Reply> told(const api::Call& call, Error error) {
    std::uint16_t status = 0;
    if (error.reason.starts_with("rotation.") || error.reason == "secret.path") {
        if (error.kind == ErrorKind::conflict) status = 409;
        if (error.kind == ErrorKind::not_found) status = 404;
        if (error.kind == ErrorKind::invalid_argument) status = 422;
    }
    if (status == 0) return std::unexpected(std::move(error));
    return api::refusal(call, status, error.reason, error.detail);
}

}  // namespace gh::vault::rotation
