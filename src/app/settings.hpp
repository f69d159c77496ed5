#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/environment.hpp"
#include "config/problem.hpp"
#include "config/type.hpp"
#include "gateway/config.hpp"
#include "identity/config.hpp"
#include "net/config.hpp"
#include "telemetry/config.hpp"

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
    std::vector<std::string> allowed_hosts;  ///< empty: certificate names, localhost, loopback and bound addresses
    std::vector<gateway::UpstreamConfig> upstreams;
    std::vector<gateway::RouteConfig> routes;
    identity::AuthConfig auth;
    telemetry::TelemetryConfig telemetry;
    bool wants_first_key = false;  ///< no file and not --public: make an API key once and print it
    friend bool operator==(const Settings&, const Settings&) = default;
};

/// What the command line of `serve` says; paths are relative to the working directory.
struct Overrides {
    std::optional<std::filesystem::path> config_file;
    std::optional<std::filesystem::path> env_file;  ///< unset: `.env` beside the configuration file, if there is one
    std::optional<std::string> upstream;            ///< a URL; not together with a configuration file
    std::optional<std::string> listen;
    std::optional<std::filesystem::path> data_dir;
    std::optional<Profile> profile;
    bool open_to_all = false;  ///< --public, with --upstream: no credentials wanted
};

/// Settings with what must be said aloud about them.
struct ReadSettings {
    Settings settings;
    std::vector<std::string> warnings;  ///< one sentence each, no secrets
    config::Origins origins;            ///< which values came through a reference: for `config show`
};

/// Reads the file (if any), then the environment, then the command line, and checks the whole.
///
/// @param environment  of the process; `.env` is laid below it here
/// @param resolver     answers `${secret:...}`; nullptr: such a reference is refused
/// @return             `invalid_argument` "config.invalid"; detail has one line a problem:
///                     `file:line: key.path: what is wrong, what is allowed`
[[nodiscard]] Result<ReadSettings> read_settings(const Overrides& overrides, const config::Environment& environment,
                                                 config::SecretResolver* resolver = nullptr);

/// May `next` replace `current` in a running process?
/// @return `invalid_argument` "config.reload" naming the key that cannot change
[[nodiscard]] Result<void> check_reload(const Settings& current, const Settings& next);

}  // namespace gh::app
