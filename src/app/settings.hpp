#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agents/config.hpp"
#include "app/health.hpp"
#include "audit/config.hpp"
#include "base/error.hpp"
#include "bus/config.hpp"
#include "config/environment.hpp"
#include "config/problem.hpp"
#include "config/reader.hpp"
#include "config/type.hpp"
#include "export/config.hpp"
#include "gateway/config.hpp"
#include "identity/config.hpp"
#include "net/config.hpp"
#include "pki/config.hpp"
#include "plan/config.hpp"
#include "storage/config.hpp"
#include "vault/config.hpp"

namespace gh::app {

enum class Profile : std::uint8_t { development, production };

/// The whole configuration: what gatehouse.yaml, the environment and the command line said, checked.
/// Built once, then shared as an immutable snapshot; a reload builds another.
struct Settings {
    std::filesystem::path data_dir;  ///< absolute
    Profile profile = Profile::production;
    std::uint32_t workers = 0;  ///< 0: one a core
    net::LimitsConfig limits;
    std::vector<net::ListenerConfig> listeners;
    std::vector<net::AddressRange> trusted_proxies;
    std::vector<std::string>
        allowed_hosts;  ///< empty: certificate names, localhost, loopback and bound addresses
    std::vector<gateway::UpstreamConfig> upstreams;
    std::vector<gateway::RouteConfig> routes;
    identity::AuthConfig auth;
    audit::AuditConfig audit;
    storage::StorageConfig storage;
    vault::VaultConfig vault;
    pki::PkiConfig pki;
    agents::AgentsConfig agents;
    bus::BusConfig bus;
    plan::PlansConfig plans;
    HealthConfig health;
    exporting::TelemetryConfig telemetry;
    identity::FirstUsersConfig first_users;  ///< from the environment alone
    bool wants_first_key = false;  ///< no file and not --public: make an API key once and print it

    /// The development profile relaxes, but only where no other machine can reach it.
    [[nodiscard]] bool relaxed() const;
    [[nodiscard]] bool loopback_only() const;
    [[nodiscard]] const net::ListenerConfig* find_listener(std::string_view name) const;
    [[nodiscard]] const gateway::UpstreamConfig* find_upstream(std::string_view name) const;
    friend bool operator==(const Settings&, const Settings&) = default;
};

/// What the command line of `serve` says; paths are relative to the working directory.
struct Overrides {
    std::optional<std::filesystem::path> config_file;
    std::optional<std::filesystem::path>
        env_file;  ///< unset: `.env` beside the configuration file, if there is one
    std::optional<std::string> upstream;  ///< a URL; not together with a configuration file
    std::optional<std::string> listen;    ///< for the first listener that serves the gateway
    std::optional<std::filesystem::path> data_dir;
    std::optional<Profile> profile;
    bool open_to_all = false;  ///< --public, with --upstream: no credentials wanted
    bool state_only =
        false;  ///< a verb that works on the state: a file is welcome, nothing is served
    bool look_only = false;  ///< whoever only looks makes no vault and no schema
};

/// What reading needs of the world.
struct Surroundings {
    config::Environment environment;   ///< of the process; `.env` is laid below it
    config::SecretCheck check_secret;  ///< crypto::check_secret_strength; must be set
    config::SecretResolver* secrets =
        nullptr;  ///< answers `${secret:...}`; nullptr: the vault of the configuration does
    config::Environment vault_variables;  ///< for what neither the environment nor `.env` sets
};

/// Settings with what must be said aloud about them.
struct ReadSettings {
    Settings settings;
    std::vector<std::string> warnings;  ///< one sentence each, no secrets
    config::Origins origins;          ///< which values came through a reference: for `config show`
    config::Environment environment;  ///< with `.env` laid below
    std::set<std::string, std::less<>> named_variables;  ///< by `${env:NAME}` of the file
    std::size_t from_vault = 0;                          ///< secrets that were taken from there
};

/// Reads the file (if any), then the environment, then the command line, and checks the whole.
///
/// @return `invalid_argument` "config.invalid"; detail has one line a problem:
///         `file:line: key.path: what is wrong, what is allowed`
[[nodiscard]] Result<ReadSettings> read_settings(const Overrides& overrides,
                                                 const Surroundings& surroundings);

/// The same for a file's text: no disk but for `${file:}`.
/// @param file    for messages
/// @param folder  relative paths start here
[[nodiscard]] Result<ReadSettings> read_settings_text(std::string_view text, std::string_view file,
                                                      const std::filesystem::path& folder,
                                                      const Overrides& overrides,
                                                      const Surroundings& surroundings);

/// How the file as a whole is read, shown and described.
[[nodiscard]] config::Type<Settings> settings_type();

/// Where settings came from.
struct Provenance {
    const config::Node& tree;  ///< of the file; an empty map when there is none
    std::string_view file;
    const config::Origins& origins;

    /// A problem with `path`: in its line of the file, or with the variable that decided it.
    [[nodiscard]] config::Problem problem(std::string path, std::string text) const;
};

/// What no single key can know: names that must exist, things that contradict each other. Parts of the file that
/// `problems` already finds fault with are left out, for they were not read to their end.
void check_settings(const Settings& settings, const Provenance& provenance,
                    config::Problems& problems, std::vector<std::string>& warnings);

/// May `next` replace `current` in a running process?
/// @return `invalid_argument` "config.reload" naming the key that cannot change
[[nodiscard]] Result<void> check_reload(const Settings& current, const Settings& next);

/// What a reload reads and the running process goes on without: keys whose change takes effect with the next start.
[[nodiscard]] std::vector<std::string_view> keys_for_next_start(const Settings& current,
                                                                const Settings& next);

}  // namespace gh::app
