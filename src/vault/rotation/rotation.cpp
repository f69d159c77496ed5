#include "vault/rotation/rotation.hpp"

#include <algorithm>
#include <utility>

namespace gh::vault::rotation {
namespace {

Step after_hold(const Rule& rule) {
    return rule.after_hold == AfterHold::roll_back ? Step::roll_back : Step::retire;
}

Decision decide_overlap(const Rotation& rotation, bool lags, SystemTime now) {
    const auto ends = rotation.overlap_ends_at.value_or(now);
    if (now < ends) return {.step = Step::nothing, .wake_at = ends};
    if (rotation.rolled_back || !lags || rotation.rule.hold_max == seconds(0))
        return {.step = Step::retire, .wake_at = {}};
    if (now < ends + told_after) return {.step = Step::nothing, .wake_at = ends + told_after};
    return {.step = Step::hold, .wake_at = {}};
}

Decision decide_held(const Rotation& rotation, bool lags, SystemTime now) {
    const auto until = rotation.held_until.value_or(now);
    if (!lags) return {.step = Step::retire, .wake_at = {}};
    if (now >= until) return {.step = after_hold(rotation.rule), .wake_at = {}};
    return {.step = Step::nothing, .wake_at = std::min(until, now + held_look_every)};
}

}  // namespace

std::string_view name_of(State state) {
    switch (state) {
        case State::idle: return "idle";
        case State::pending: return "pending";
        case State::overlap: return "overlap";
        case State::held: return "held";
        case State::retiring: return "retiring";
    }
    std::unreachable();
}

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::none: return "";
        case Verdict::proceed: return "proceed";
        case Verdict::roll_back: return "roll_back";
    }
    std::unreachable();
}

std::vector<Consumer> lagging(const Rotation& rotation, const std::vector<Consumer>& seen,
                              SystemTime now) {
    std::vector<Consumer> found;
    if (rotation.previous_version == 0) return found;
    const auto lags = [&](const Consumer& each) {
        return each.version <= rotation.previous_version;
    };
    for (const auto& name : rotation.rule.consumers) {
        const auto* known = std::ranges::find(seen, name, &Consumer::name) == seen.end()
                                ? nullptr
                                : &*std::ranges::find(seen, name, &Consumer::name);
        if (known == nullptr) {
            found.push_back({.name = name, .version = 0, .used_at = {}});
        } else if (lags(*known)) {
            found.push_back(*known);
        }
    }
    if (!rotation.rule.consumers.empty()) return found;
    for (const auto& each : seen) {
        const bool lately = each.used_at && *each.used_at > now - consumer_seen_max;
        if (lately && lags(each)) found.push_back(each);
    }
    return found;
}

Decision decide(const Rotation& rotation, const std::vector<Consumer>& lag, SystemTime now) {
    const bool waits = rotation.state == State::overlap || rotation.state == State::held;
    if (waits && rotation.verdict == Verdict::proceed) return {.step = Step::retire, .wake_at = {}};
    if (waits && rotation.verdict == Verdict::roll_back)
        return {.step = Step::roll_back, .wake_at = {}};
    switch (rotation.state) {
        case State::idle:
            if (rotation.due_at && *rotation.due_at <= now)
                return {.step = Step::begin, .wake_at = {}};
            return {.step = Step::nothing, .wake_at = rotation.due_at};
        case State::pending: return {.step = Step::apply, .wake_at = {}};
        case State::overlap: return decide_overlap(rotation, !lag.empty(), now);
        case State::held: return decide_held(rotation, !lag.empty(), now);
        case State::retiring: return {.step = Step::retire, .wake_at = {}};
    }
    std::unreachable();
}

seconds pause_after(std::uint32_t failures) {
    constexpr seconds first{5};
    constexpr seconds longest = std::chrono::minutes(15);
    const auto doubled = std::min(std::max(failures, 1U) - 1, 16U);
    return std::min(first * (1U << doubled), longest);
}

seconds pause_after(const Rotation& rotation, std::string_view reason) {
    constexpr seconds soon{5};
    constexpr seconds while_pending{60};
    const auto pause = pause_after(rotation.failures);
    const bool one_role = rotation.rule.generator.kind == Kind::postgresql &&
                          !rotation.rule.takes_turns() && rotation.state == State::pending;
    if (!one_role) return pause;
    const bool may_have_it = reason == "storage.commit_unknown" || reason == "rotation.unsettled";
    return std::min(pause, may_have_it ? soon : while_pending);
}

std::optional<SystemTime> next_due(const Rule& rule, SystemTime now) {
    if (rule.every == seconds(0)) return std::nullopt;
    return now + rule.every;
}

}  // namespace gh::vault::rotation
