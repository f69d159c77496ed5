#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "app/master_key.hpp"
#include "app/secrets_command.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"
#include "net/run_task.hpp"
#include "vault/rekey.hpp"

// Other keys for what is sealed: the data key, and the master key above it.

namespace gh::app {
namespace {

SystemTime now() { return std::chrono::system_clock::now(); }

constexpr std::chrono::nanoseconds pause_max = std::chrono::milliseconds(50);

struct SealedAnew {
    std::uint64_t values = 0;
    std::uint64_t unopened = 0;
    std::string which;  ///< of those, the first; a line each
};

/// Once over everything that an older key sealed. As long as each step took, others have the database to themselves.
Task<Result<SealedAnew>> seal_what_waits(vault::Rekey rekey) {
    constexpr std::uint64_t shown_max = 20;
    GH_CO_TRY(const auto state, co_await rekey.state());
    SealedAnew done;
    for (std::optional<vault::RekeyPosition> at(std::in_place); at;) {
        auto after = *std::move(at);
        const auto begun = std::chrono::steady_clock::now();
        GH_CO_TRY(auto step, co_await rekey.step(std::move(after), now()));
        const auto taken = std::chrono::steady_clock::now() - begun;
        co_await net::Sleep(*net::Loop::current(), std::min(taken, pause_max));
        done.values += step.sealed;
        for (const auto& each : step.unopened) {
            if (++done.unopened <= shown_max) done.which += each + '\n';
        }
        if (step.sealed > 0) {
            std::fprintf(stderr, "gatehouse: %llu of %llu values sealed anew\n",
                         static_cast<unsigned long long>(done.values),
                         static_cast<unsigned long long>(state.waiting));
        }
        at = std::move(step.next);
    }
    co_return done;
}

enum class Begin : std::uint8_t {
    where_nothing_waits,  ///< else it goes on with one that was cut short
    never                 ///< the data key is new already
};

/// What never opens again is no rekey that was cut short.
Task<Result<SealedAnew>> seal_all_anew(vault::Rekey rekey, Begin begin) {
    GH_CO_TRY(auto done, co_await seal_what_waits(rekey));
    if (done.values == 0 && begin == Begin::where_nothing_waits) {
        auto also = audit::also<vault::KeyId>(audit::act_of_shell("vault.rekey", "vault"));
        GH_CO_TRY_VOID(co_await rekey.begin(now(), std::move(also)));
        GH_CO_TRY(done, co_await seal_what_waits(rekey));
    }
    GH_CO_TRY_VOID(co_await rekey.finish());
    co_return done;
}

/// What stays, for nothing opens it; empty: nothing.
std::string left_of(const RenewedMaster& renewed) {
    std::string said;
    if (!renewed.data_keys.unopened.empty()) {
        said +=
            fmt::format("data keys that do not open, with what they seal, stay as they are: {}\n",
                        fmt::join(renewed.data_keys.unopened, ", "));
    }
    for (const auto& each : renewed.copies.unopened)
        said += fmt::format("{} does not open and stays as it is\n", each);
    return said;
}

std::string described(const RenewedMaster& renewed) {
    auto said = fmt::format(
        "the master key is new: {} keys, {} copies in backups/ and {} data keys "
        "are sealed with it. It is sealed for what the configuration names",
        renewed.keys, renewed.copies.sealed, renewed.data_keys.sealed);
    if (renewed.recovery_keys.empty()) return said + "; there is no recovery key\n";
    said += " and for these recovery keys:\n";
    for (const auto& key : renewed.recovery_keys) said += fmt::format("  {}\n", key);
    return said;
}

constexpr std::string_view afterwards =
    "WARNING: make a new backup now, and give keys/ to every other node: no backup from before, "
    "and "
    "no other copy of keys/, opens what the database holds from now on\n";

/// Beside a running serve, as after any new data key.
CommandResult seal_values(const Overrides& overrides, const Surroundings& surroundings,
                          Begin begin) {
    auto verb = open_verb_state(overrides, surroundings);
    if (!verb) return failed(verb.error());
    vault::Rekey rekey(*(*verb)->state->database, *(*verb)->keyring);
    const auto done = net::run_to_end(seal_all_anew(rekey, begin));
    if (!done) return failed(done.error());
    auto said = fmt::format("{} values are sealed with the new data key\n", done->values);
    if (done->unopened == 0) return {.exit_code = 0, .out = {}, .err = std::move(said)};
    said +=
        fmt::format("{} stay as they are, for they do not open:\n{}", done->unopened, done->which);
    return {.exit_code = 1, .out = {}, .err = std::move(said)};
}

}  // namespace

CommandResult secrets_rekey(const Overrides& overrides, const Surroundings& surroundings,
                            const SecretsOptions& options) {
    if (!options.master) return seal_values(overrides, surroundings, Begin::where_nothing_waits);
    const auto renewed = renew_master(overrides, surroundings, options.kept_recovery_keys);
    if (!renewed) return failed(renewed.error());
    auto result = seal_values(overrides, surroundings, Begin::never);
    if (result.exit_code != 0)
        result.err += "gatehouse: values: gatehouse secrets rekey goes on with them\n";
    const auto left = left_of(*renewed);
    if (!left.empty()) result.exit_code = 1;
    result.err = described(*renewed) + left + result.err + std::string(afterwards);
    return result;
}

}  // namespace gh::app
