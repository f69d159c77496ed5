#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "app/checkpoint_keeper.hpp"
#include "app/health.hpp"
#include "app/kill_watch.hpp"
#include "app/learn_cursor.hpp"
#include "identity/key_repository.hpp"
#include "identity/key_uses.hpp"
#include "identity/oauth/server.hpp"
#include "identity/revocations.hpp"
#include "identity/role_repository.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "storage/fallback.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/trace.hpp"

namespace gh::app {

/// What the house does by itself, whoever asks or not: learns of revocations and roles that other nodes made, brings the
/// journal into the database, writes down when keys were last used, rotates what is due, clears away what has expired. On a loop and a thread of
/// its own, from its making to its end.
class Clerk {
 public:
    struct Parts {
        identity::RevocationRepository& repository;
        identity::RevocationSource& revocations;
        identity::RoleRepository& role_repository;
        identity::RoleSource& roles;
        identity::KeyRepository& keys;
        identity::KeyUses& uses;
        identity::oauth::Server& oauth;
        storage::Fallback& fallback;
        CheckpointKeeper& checkpoints;
        telemetry::Registry& registry;
        telemetry::Log& log;
        /// Makes the acquaintance of the database: called until it succeeds, where the start did not. Then the revocations
        /// are known.
        std::function<Task<Result<void>>()> greet;
        /// Replaces what is due, every hour.
        std::function<Task<Result<void>>()> renew;
        /// Looks after certificates, twice a second.
        std::function<Task<>()> keep_certificates;
        /// Has the certificate of a CA renewed that is due, every second.
        std::function<Task<>(net::Resolver&)> ask_ca;
        /// Makes new versions of transit keys that are due, every ten minutes; how many.
        std::function<Task<Result<std::uint64_t>>()> rotate_keys;
        /// Rotates secrets that are due, every second.
        std::function<Task<Result<void>>()> rotate_secrets;
        /// Writes down who reads them, every two seconds.
        std::function<Task<Result<void>>()> watch_rotations;
        /// Ends leases that are over, every second.
        std::function<Task<Result<void>>()> end_leases;
        /// Writes heartbeats of agents, tells who is silent: in this interval, and the first at the end.
        std::function<Task<Result<void>>()> keep_agents;
        milliseconds keep_agents_every;
        std::function<Task<Result<void>>()> write_heartbeats;
        /// Rings for messages that are due, ends what has expired, every second.
        std::function<Task<Result<void>>()> keep_messages;
        /// Ends leases of plans' steps whose agents are silent, twice a second.
        std::function<Task<Result<void>>()> keep_plans;
        /// Looks for kills that other nodes have made, four times a second.
        KillWatch& kills;
        /// Asks what is needed how it is, in its own interval.
        Health& health;
        const telemetry::Tracer* tracer = nullptr;  ///< null: nobody wants to know
    };
    explicit Clerk(Parts parts);
    /// Ends between two rounds; what waits for the database is given up after half a second. Last uses are still written and a checkpoint
    /// signed, when it answers within two seconds.
    ~Clerk();
    Clerk(const Clerk&) = delete;
    Clerk& operator=(const Clerk&) = delete;

    /// Was the database there, and ours, when it was last asked, within the last second or so?
    [[nodiscard]] bool database_answers() const { return answers_.load(std::memory_order_relaxed); }

 private:
    /// Counts a task of ours as long as it runs.
    [[nodiscard]] Task<> counted(Task<> rounds);
    /// Until the next round. @return false: there is none
    [[nodiscard]] Task<bool> pause(std::chrono::nanoseconds duration);
    [[nodiscard]] Task<> end();
    [[nodiscard]] Task<> learn_revocations();
    [[nodiscard]] Task<> learn_roles();
    [[nodiscard]] Task<> keep_certificates();
    [[nodiscard]] Task<> ask_ca();
    [[nodiscard]] Task<> keep_agents();
    [[nodiscard]] Task<> keep_messages();
    [[nodiscard]] Task<> keep_plans();
    [[nodiscard]] Task<> rotate_keys();
    [[nodiscard]] Task<> rotate_secrets();
    [[nodiscard]] Task<> watch_rotations();
    [[nodiscard]] Task<> end_leases();
    [[nodiscard]] Task<> check_health();
    /// Of what is asked again soon: away, it is the revocations' to tell.
    void tell_unless_away(std::string_view message, const Result<void>& outcome,
                          std::string_view room = "vault");
    [[nodiscard]] Task<> bring_journal();
    [[nodiscard]] Task<> write_uses();
    [[nodiscard]] Task<> clear_away();
    [[nodiscard]] Task<> sign_checkpoints();
    [[nodiscard]] Task<Result<void>> sign_checkpoint();
    [[nodiscard]] Task<Result<void>> write_last();
    [[nodiscard]] Task<Result<void>> learn_some(LearnCursor& cursor);
    /// Says what is seen of kills, each once nothing of it is open here any more.
    [[nodiscard]] Task<> finish_kills(std::vector<KillWatch::Seen> begun);
    [[nodiscard]] Task<> say_alive();
    void tell(const Result<void>& outcome);

    enum class Standing : unsigned char { well, away, unusable };
    Parts parts_;
    std::atomic<bool> answers_;
    Standing standing_ = Standing::well;  // as the log has it
    telemetry::Gauge& audit_records_;
    telemetry::Gauge& checkpoint_records_;
    telemetry::Counter& checkpoint_failures_;
    net::Loop loop_;
    net::Resolver resolver_;
    net::Wakeup all_ended_{loop_};
    std::vector<net::Wakeup*> pauses_;
    std::size_t running_ = 0;
    bool ending_ = false;
    std::jthread thread_;
};

}  // namespace gh::app
