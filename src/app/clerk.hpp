#pragma once

#include <atomic>
#include <thread>

#include "identity/key_repository.hpp"
#include "identity/key_uses.hpp"
#include "identity/oauth/server.hpp"
#include "identity/revocations.hpp"
#include "identity/role_repository.hpp"
#include "net/loop.hpp"
#include "storage/fallback.hpp"
#include "telemetry/log.hpp"

namespace gh::app {

/// What the house does by itself, whoever asks or not: learns of revocations and roles that other nodes made, brings the
/// journal into the database, writes down when keys were last used, clears away what has expired. On a loop and a thread of
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
        telemetry::Log& log;
    };
    explicit Clerk(Parts parts);
    /// Ends between two turns; what waits for the database then is given up. Last uses are still written, when it answers.
    ~Clerk();
    Clerk(const Clerk&) = delete;
    Clerk& operator=(const Clerk&) = delete;

    /// Did the database answer when it was last asked, within the last second or so?
    [[nodiscard]] bool database_answers() const { return answers_.load(std::memory_order_relaxed); }

 private:
    [[nodiscard]] Task<> learn_revocations();
    [[nodiscard]] Task<> learn_roles();
    [[nodiscard]] Task<> bring_journal();
    [[nodiscard]] Task<> write_uses();
    [[nodiscard]] Task<> clear_away();
    void tell(bool answers, const Error* error);

    Parts parts_;
    std::atomic<bool> answers_{true};
    net::Loop loop_;
    std::jthread thread_;
};

}  // namespace gh::app
