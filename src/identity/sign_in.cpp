#include "identity/sign_in.hpp"

#include <utility>

#include "base/try.hpp"

namespace gh::identity {
namespace {

constexpr auto schemes_known_for = seconds(10);

SignInOutcome refused(std::string_view reason) { return {{}, reason, {}}; }

crypto::PasswordScheme scheme_of(std::string_view stored) {
    return stored.starts_with("$2") ? crypto::PasswordScheme::bcrypt
                                    : crypto::PasswordScheme::argon2id;
}

crypto::PasswordScheme other_than(crypto::PasswordScheme scheme) {
    using crypto::PasswordScheme;
    return scheme == PasswordScheme::bcrypt ? PasswordScheme::argon2id : PasswordScheme::bcrypt;
}

telemetry::Counter& attempts(telemetry::Registry& registry, std::string_view outcome) {
    return registry
        .counter({.name = "gatehouse_sign_ins_total",
                  .help = "Attempts to sign in with a password, by what became of them.",
                  .labels = {"outcome"}})
        .with({outcome});
}

}  // namespace

SignInCounters::SignInCounters(telemetry::Registry& registry)
    : accepted_(attempts(registry, "accepted")),
      refused_(attempts(registry, "refused")),
      throttled_(attempts(registry, "throttled")),
      failed_(attempts(registry, "failed")) {}

void SignInCounters::count(const Result<SignInOutcome>& outcome) const {
    if (!outcome) return failed_.add();
    if (outcome->wait) return throttled_.add();
    (outcome->user ? accepted_ : refused_).add();
}

Task<Result<std::string>> SignIn::hash(crypto::Secret password) {
    auto work = [password = std::move(password), scheme = parts_.scheme] {
        return crypto::hash_password(scheme, password);
    };
    co_return co_await parts_.pool.run(std::move(work));
}

Task<Result<SignInOutcome>> SignIn::check(SignInAttempt attempt) {
    auto outcome = co_await look_up_and_judge(std::move(attempt));
    parts_.counters.count(outcome);
    co_return outcome;
}

Task<Result<SignInOutcome>> SignIn::look_up_and_judge(SignInAttempt attempt) {
    const auto now = net::Loop::current()->now();
    const auto place = parts_.throttle.begin(attempt.name, attempt.network, now);
    if (!place) co_return SignInOutcome{{}, "login.throttled", place.error()};
    GH_CO_TRY(const bool both_schemes, co_await has_both_schemes(now));
    auto found = co_await parts_.users.find_by_name(attempt.name);
    const bool unknown = !found && found.error().kind == ErrorKind::not_found;
    if (!found && !unknown) co_return std::unexpected(std::move(found).error());
    auto secret = unknown ? UserSecret{} : *std::move(found);
    GH_CO_TRY(auto outcome,
              co_await judge(std::move(secret), std::move(attempt.password), both_schemes));
    if (outcome.user) {
        parts_.throttle.succeeded(attempt.name, attempt.network, now);
    } else {
        parts_.throttle.failed(attempt.name, attempt.network, now);
    }
    co_return outcome;
}

Task<Result<bool>> SignIn::has_both_schemes(SteadyTime now) {
    const auto looked_at = looked_at_.load(std::memory_order_acquire);
    if (looked_at != SteadyTime::min() && now - looked_at < schemes_known_for)
        co_return both_schemes_.load(std::memory_order_relaxed);
    GH_CO_TRY(const bool both, co_await parts_.users.has_hashes_of(other_than(parts_.scheme)));
    both_schemes_.store(both, std::memory_order_relaxed);
    looked_at_.store(now, std::memory_order_release);
    co_return both;
}

Task<Result<SignInOutcome>> SignIn::judge(UserSecret found, crypto::Secret password,
                                          bool both_schemes) {
    struct Judged {
        crypto::PasswordCheck check;
        std::string new_hash;
    };
    const bool real = found.password_hash.has_value();
    auto stored = found.password_hash.value_or(parts_.decoys.of(parts_.scheme));
    const auto stored_scheme = scheme_of(stored);
    std::string decoy;
    if (both_schemes || stored_scheme != parts_.scheme)
        decoy = parts_.decoys.of(other_than(stored_scheme));
    auto work = [password = std::move(password), scheme = parts_.scheme, stored = std::move(stored),
                 decoy = std::move(decoy)]() -> Result<Judged> {
        GH_TRY(const auto check, crypto::verify_password(password, stored, scheme));
        // Who is let in may know which scheme their hash is of; nobody else may.
        if (!check.matches && !decoy.empty())
            GH_TRY_VOID(crypto::verify_password(password, decoy, scheme));
        Judged judged{check, {}};
        if (check.rehash_wanted) {
            GH_TRY(judged.new_hash, crypto::hash_password(scheme, password));
        }
        return judged;
    };
    GH_CO_TRY(const auto judged, co_await parts_.pool.run(std::move(work)));
    if (found.user.id.empty()) co_return refused("login.unknown");
    if (!real || !judged.check.matches) co_return refused("login.password");
    if (found.user.disabled_at) co_return refused("login.disabled");
    GH_CO_TRY(auto user, co_await parts_.users.find(found.user.id));
    if (user.tokens_valid_from != found.user.tokens_valid_from) co_return refused("login.changed");
    if (!judged.new_hash.empty()) {
        // Better next time than not at all: a database that cannot write does not keep people out.
        std::ignore =
            co_await parts_.users.rehash(found.user.id, *found.password_hash, judged.new_hash);
    }
    co_return SignInOutcome{std::move(user), {}, {}};
}

Task<Result<SignInOutcome>> SignIn::change_password(SignInAttempt attempt,
                                                    crypto::Secret new_password,
                                                    storage::Also<User> also) {
    if (crypto::constant_time_equal(attempt.password.bytes(), new_password.bytes()))
        co_return fail(ErrorKind::invalid_argument, "password.unchanged");
    GH_CO_TRY(auto outcome, co_await check(std::move(attempt)));
    if (!outcome.user) co_return outcome;
    GH_CO_TRY(auto new_hash, co_await hash(std::move(new_password)));
    GH_CO_TRY(outcome.user, co_await parts_.users.set_password(
                                outcome.user->id, std::move(new_hash), false,
                                net::Loop::current()->system_now(), std::move(also)));
    co_return outcome;
}

}  // namespace gh::identity
