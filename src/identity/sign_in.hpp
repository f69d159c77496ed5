#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/password.hpp"
#include "identity/login_throttle.hpp"
#include "identity/user_repository.hpp"
#include "net/work_pool.hpp"
#include "telemetry/metrics.hpp"

namespace gh::identity {

/// A name and a password, and where they came from.
struct SignInAttempt {
    std::string name;
    crypto::Secret password;
    std::string network;  ///< the client's address, or its /64: whose failures are counted
};

/// Who they turned out to be.
struct SignInOutcome {
    std::optional<User> user;  ///< nobody: refused, and no reason that a client could learn from
    std::string_view
        reason;  ///< for the log: "login.unknown", "login.password", "login.disabled", "login.changed"; empty when accepted
    std::optional<milliseconds> wait;  ///< refused unseen: too many failures, come back then
};

/// Hashes of passwords that nobody knows (crypto::decoy_hash), one of each scheme.
struct Decoys {
    std::string argon2id, bcrypt;
    [[nodiscard]] const std::string& of(crypto::PasswordScheme scheme) const {
        return scheme == crypto::PasswordScheme::bcrypt ? bcrypt : argon2id;
    }
};

/// What became of attempts to sign in.
class SignInCounters {
 public:
    explicit SignInCounters(telemetry::Registry& registry);
    void count(const Result<SignInOutcome>& outcome) const;

 private:
    telemetry::Counter& accepted_;
    telemetry::Counter& refused_;
    telemetry::Counter& throttled_;
    telemetry::Counter& failed_;
};

/// Signing in with a password. Unknown names, wrong passwords and disabled users cost the same time and get the same answer:
/// while the database holds hashes of both schemes, each that is refused costs one of each.
/// Hashes are computed on a bounded pool; the throttle is asked first.
class SignIn {
 public:
    struct Parts {
        UserRepository& users;
        net::WorkPool& pool;
        LoginThrottle& throttle;
        crypto::PasswordScheme scheme;  ///< of new hashes
        Decoys decoys;
        SignInCounters counters;
    };
    explicit SignIn(Parts parts) : parts_(std::move(parts)) {}

    /// A hash that is weaker than those made today is replaced on the way. Who lost rights meanwhile is refused.
    /// @return errors of the database, and `exhausted` "work.queue_full"
    [[nodiscard]] Task<Result<SignInOutcome>> check(SignInAttempt attempt);

    /// Signs in with the old password and sets a new one; tokens issued until then are void.
    /// @return as check(), the user as they are now; `invalid_argument` "password.unchanged" and those of crypto::hash_password
    [[nodiscard]] Task<Result<SignInOutcome>> change_password(SignInAttempt attempt,
                                                              crypto::Secret new_password,
                                                              storage::Also<User> also = {});

    /// On the pool. @return as crypto::hash_password, and `exhausted` "work.queue_full"
    [[nodiscard]] Task<Result<std::string>> hash(crypto::Secret password);

 private:
    [[nodiscard]] Task<Result<SignInOutcome>> look_up_and_judge(SignInAttempt attempt);
    [[nodiscard]] Task<Result<SignInOutcome>> judge(UserSecret found, crypto::Secret password,
                                                    bool both_schemes);
    /// Does the database hold hashes of the other scheme, too? Known to within ten seconds.
    [[nodiscard]] Task<Result<bool>> has_both_schemes(SteadyTime now);

    Parts parts_;
    std::atomic<SteadyTime> looked_at_ = SteadyTime::min();
    std::atomic<bool> both_schemes_ = false;
};

}  // namespace gh::identity
