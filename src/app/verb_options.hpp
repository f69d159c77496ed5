#pragma once

#include <functional>
#include <string>

#include "app/agents_command.hpp"
#include "app/alert_command.hpp"
#include "app/audit_command.hpp"
#include "app/bus_command.hpp"
#include "app/ca_command.hpp"
#include "app/client_command.hpp"
#include "app/config_command.hpp"
#include "app/health_command.hpp"
#include "app/import_command.hpp"
#include "app/key_command.hpp"
#include "app/kill_command.hpp"
#include "app/plans_command.hpp"
#include "app/profile_command.hpp"
#include "app/rotation_command.hpp"
#include "app/secrets_command.hpp"
#include "app/settings.hpp"
#include "app/user_command.hpp"

namespace CLI {
class App;
}

// What the verbs of the command line have in common. Only files of verbs include this.

namespace gh::app {

struct Options {
    std::string config, env_file, upstream, listen, data, profile, file;
    bool open = false, json = false, dry_run = false, password_stdin = false;
    bool password_hash_stdin = false;
    UserOptions user;
    AgentsOptions agents;
    BusOptions bus;
    PlansOptions plans;
    KillOptions kill;
    KeyOptions key;
    ClientOptions client;
    AuditOptions audit;
    CaOptions ca;
    SecretsOptions secrets;
    RotationOptions rotation;
    ImportOptions import;
    AlertOptions alert;
    HealthOptions health;
    ProfileOptions profiling;
    std::string shell, page;
    bool force = false, verify = false, passphrase_stdin = false;
    std::function<CommandResult()> run;  ///< of the verb that was chosen; unset: serve, version
};

/// Of `serve`: whatever was said.
[[nodiscard]] Overrides overrides_of(const Options& options);
/// Of verbs that look at the state only.
[[nodiscard]] Overrides state_overrides(const Options& options);
/// As they were at the first call, which every verb makes before it has other threads.
[[nodiscard]] Surroundings surroundings();
/// A line of standard input.
[[nodiscard]] std::string typed_line();

/// A verb that works on the state, beside a running serve or without one.
CLI::App* add_state_verb(CLI::App& parent, Options& options, const std::string& name,
                         const std::string& what, const std::string& example,
                         std::function<CommandResult()> run);

/// `user`, `key` and `client`.
void add_identity(CLI::App& app, Options& options);
/// `agents`.
void add_agents(CLI::App& app, Options& options);
/// `tasks` and `messages`.
void add_bus(CLI::App& app, Options& options);
/// `plans`.
void add_plans(CLI::App& app, Options& options);
/// `kill`.
void add_kill(CLI::App& app, Options& options);
/// `ca`.
void add_ca(CLI::App& app, Options& options);
/// `secrets`.
void add_secrets(CLI::App& app, Options& options);
/// `health`, `profile`, `alert`, `completion` and `manual`.
void add_operations(CLI::App& app, Options& options);
/// `profile`.
void add_profile(CLI::App& app, Options& options);
/// `secrets rotate` and `secrets rotation`.
void add_rotation(CLI::App& secrets, Options& options);

}  // namespace gh::app
