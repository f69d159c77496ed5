#include <fmt/format.h>

#include <system_error>

#include "app/inherited_environment.hpp"
#include "app/secret_judge.hpp"
#include "app/settings.hpp"
#include "app/vault_secrets.hpp"
#include "base/try.hpp"
#include "config/dotenv.hpp"
#include "config/file.hpp"
#include "config/types.hpp"
#include "config/yaml.hpp"
#include "vault/backend/environment_backend.hpp"

namespace gh::app {

void SecretJudge::judge(std::string_view secret, std::size_t bytes_min, config::Problem at) {
    const auto verdict = check_(secret, bytes_min);
    if (verdict) return;
    at.text = "cannot be used as a secret: " + verdict.error().detail;
    (verdict.error().reason == "secret.published" ? problems_ : weak_).add(std::move(at));
}

namespace {

namespace fs = std::filesystem;

/// One reading, from the first byte to the finished settings.
class Reading {
 public:
    Reading(const Overrides& overrides, const Surroundings& surroundings)
        : overrides_(overrides),
          surroundings_(surroundings),
          judge_(surroundings.check_secret, problems_) {
        out_.environment = surroundings.environment;
    }

    Result<ReadSettings> from_text(std::string_view text, std::string_view file,
                                   const fs::path& folder) {
        file_ = file;
        auto tree = config::parse_yaml(text, file);
        if (!tree) {
            problems_.add(std::move(tree).error());
            return problems_.error();
        }
        tree_ = *std::move(tree);
        config::Reader reader({.file = file_,
                               .folder = folder,
                               .environment = &out_.environment,
                               .resolver = surroundings_.secrets},
                              problems_, out_.origins);
        out_.settings.data_dir = (folder / "data").lexically_normal();
        out_.settings.listeners = default_listeners();
        const bool good = settings_type().read(tree_, reader, out_.settings);
        note_named_variables();
        for (const auto& literal : reader.literal_secrets().all()) judge_.note(literal);
        judge_file_secrets();
        return finish(good);
    }

    Result<ReadSettings> from_command_line() {
        file_ = "command line";
        auto& settings = out_.settings;
        settings.data_dir = fs::absolute("data");
        settings.listeners = default_listeners();
        tree_ = config::Node::map();
        if (!overrides_.upstream) return finish(true);
        auto endpoint = gateway::parse_endpoint(*overrides_.upstream);
        if (!endpoint) {
            refuse("--upstream",
                   config::quote(*overrides_.upstream) + " " + endpoint.error().detail);
            return problems_.error();
        }
        auto& upstream = settings.upstreams.emplace_back();
        upstream.name = "backend";
        upstream.endpoints.push_back(*std::move(endpoint));
        auto& route = settings.routes.emplace_back();
        route.name = "/";
        route.match.path_prefix = "/";
        route.upstream = upstream.name;
        using Kind = gateway::AccessConfig::Kind;
        route.access.kind = overrides_.open_to_all ? Kind::anyone : Kind::authenticated;
        return finish(true);
    }

    /// Lays `.env` below the environment of the process.
    Result<void> read_dotenv(const fs::path& file, bool must_exist) {
        auto text = config::read_file(file, config::dotenv_bytes_max);
        if (!text && text.error().kind == ErrorKind::not_found && !must_exist) return {};
        if (!text) return fail(ErrorKind::invalid_argument, "config.invalid", text.error().detail);
        auto below = config::parse_dotenv(*text, file.native(), surroundings_.environment);
        if (!below)
            return fail(ErrorKind::invalid_argument, "config.invalid", below.error().line_text());
        out_.environment = surroundings_.environment.over(*below);
        return {};
    }

 private:
    static std::vector<net::ListenerConfig> default_listeners() {
        return {
            {.name = "public",
             .bind = {.host = "::", .port = 8443},
             .tls = net::TlsConfig{},
             .hsts = {},
             .redirect_to = {},
             .serve = {net::Service::gateway}},
            {.name = "admin",
             .bind = {.host = "127.0.0.1", .port = 9901},
             .tls = {},
             .hsts = {},
             .redirect_to = {},
             .serve = {net::Service::health, net::Service::metrics, net::Service::api}},
        };
    }

    void refuse(std::string option, std::string text) {
        problems_.add({"command line", 0, std::move(option), std::move(text)});
    }

    /// Before the environment overrides what refers to it: the file wants them all the same.
    void note_named_variables() {
        constexpr std::string_view begins = "${env:";
        for (const auto& [path, written] : out_.origins.written()) {
            std::string_view text = written;
            for (auto at = text.find(begins); at != text.npos; at = text.find(begins)) {
                text.remove_prefix(at + begins.size());
                out_.named_variables.emplace(text.substr(0, text.find('}')));
            }
        }
    }

    void judge_file_secrets() {
        const auto& auth = out_.settings.auth;
        for (std::size_t i = 0; i < auth.trusted_issuers.size(); ++i) {
            const auto& issuer = auth.trusted_issuers[i];
            if (issuer.secret.empty() || !issuer.algorithm) continue;
            judge_.judge(
                issuer.secret.view(), identity::secret_bytes_min(*issuer.algorithm),
                provenance().problem(fmt::format("auth.trusted_issuers[{}].secret", i), {}));
        }
        for (std::size_t i = 0; i < auth.api_keys.size(); ++i) {
            const auto& key = auth.api_keys[i];
            if (key.value.empty()) continue;
            judge_.judge(key.value.view(), identity::api_key_bytes_min,
                         provenance().problem(fmt::format("auth.api_keys[{}].value", i), {}));
        }
    }

    /// @param complete  the file was read without a problem
    Result<ReadSettings> finish(bool complete) {
        apply_environment(with_vault(out_.environment, surroundings_.vault_variables),
                          out_.settings, out_.origins, judge_, problems_, out_.warnings);
        if (out_.settings.vault.variables_only && !overrides_.state_only)
            refuse_secrets_outside(out_.environment, problems_);
        apply_command_line();
        refuse_locked_in();
        check_settings(out_.settings, provenance(), problems_, out_.warnings);
        // Whether weak secrets pass depends on profile and listeners, so only a whole file can tell.
        const bool relaxed = complete && out_.settings.relaxed();
        for (const auto& weak : judge_.weak().all()) {
            if (relaxed) {
                out_.warnings.push_back(weak.line_text());
            } else {
                problems_.add(weak);
            }
        }
        if (!problems_.empty()) return problems_.error();
        return std::move(out_);
    }

    /// What opens the vault cannot be in it.
    void refuse_locked_in() {
        for (const auto key : opening_keys()) {
            const auto* written = out_.origins.find(key);
            if (written == nullptr || !written->contains("${secret:")) continue;
            problems_.add(
                provenance().problem(std::string(key),
                                     "cannot be in the vault, for it says how to open it; allowed: "
                                     "${env:NAME}, ${file:PATH}"));
        }
    }

    [[nodiscard]] Provenance provenance() const { return {tree_, file_, out_.origins}; }

    void apply_command_line() {
        auto& settings = out_.settings;
        if (overrides_.profile) settings.profile = *overrides_.profile;
        if (overrides_.data_dir)
            settings.data_dir = fs::absolute(*overrides_.data_dir).lexically_normal();
        if (overrides_.listen) listen(*overrides_.listen);
        if (!overrides_.config_file && overrides_.upstream) {
            settings.wants_first_key = !overrides_.open_to_all && settings.auth.api_keys.empty() &&
                                       settings.first_users.api_keys.empty() &&
                                       settings.auth.trusted_issuers.empty() &&
                                       settings.auth.enabled;
        }
    }

    void listen(const std::string& address) {
        auto bind = net::parse_bind_address(address);
        if (!bind) return refuse("--listen", config::quote(address) + " " + bind.error().detail);
        for (auto& listener : out_.settings.listeners) {
            if (!listener.serves(net::Service::gateway)) continue;
            if (!listener.tls && !bind->loopback()) {
                return refuse("--listen",
                              "the gateway would be served without encryption to other machines");
            }
            listener.bind = *std::move(bind);
            return;
        }
        refuse("--listen", "no listener serves the gateway");
    }

    const Overrides& overrides_;
    const Surroundings& surroundings_;
    config::Problems problems_;
    SecretJudge judge_;
    ReadSettings out_;
    std::string file_;
    config::Node tree_;
};

Result<void> check_usage(const Overrides& overrides) {
    const auto refuse = [](std::string what) {
        return fail(ErrorKind::invalid_argument, "config.invalid",
                    "command line: " + std::move(what));
    };
    if (overrides.config_file && overrides.upstream) {
        return refuse("--upstream: not together with --config, which names its upstreams itself");
    }
    if (!overrides.config_file && !overrides.upstream && !overrides.state_only)
        return refuse("wanted: --config FILE or --upstream URL");
    if (overrides.open_to_all && !overrides.upstream) {
        return refuse("--public: only with --upstream; in a file each route says its access");
    }
    return {};
}

/// With what the surroundings say of secrets.
Result<ReadSettings> read_once(const Overrides& overrides, const Surroundings& surroundings) {
    Reading reading(overrides, surroundings);
    if (overrides.env_file) GH_TRY_VOID(reading.read_dotenv(*overrides.env_file, true));
    if (!overrides.config_file) return reading.from_command_line();

    const auto& file = *overrides.config_file;
    const auto folder = fs::absolute(file).parent_path();
    if (!overrides.env_file) GH_TRY_VOID(reading.read_dotenv(folder / ".env", false));
    auto text = config::read_file(file, config::yaml_bytes_max);
    if (!text)
        return fail(ErrorKind::invalid_argument, "config.invalid", std::move(text.error().detail));
    return reading.from_text(*text, file.native(), folder);
}

/// Enough to open the vault.
Result<ReadSettings> read_without_vault(Overrides overrides, const Surroundings& surroundings) {
    UnusedSecrets unused;
    auto blind = surroundings;
    blind.secrets = &unused;
    overrides.state_only = true;
    return read_once(overrides, blind);
}

}  // namespace

Result<ReadSettings> read_settings(const Overrides& overrides, const Surroundings& surroundings) {
    GH_TRY_VOID(check_usage(overrides));
    if (surroundings.secrets != nullptr) return read_once(overrides, surroundings);
    if (overrides.state_only) return read_without_vault(overrides, surroundings);
    VaultSecrets vault(overrides, surroundings);
    auto seeing = surroundings;
    seeing.secrets = &vault;
    const auto first = read_without_vault(overrides, surroundings);
    if (first && !first->settings.vault.variables.empty()) {
        auto variables = vault.variables(first->settings);
        if (!variables && !vault.away()) {
            return fail(ErrorKind::invalid_argument, "config.invalid",
                        "vault.variables: " + variables.error().detail);
        }
        if (variables) seeing.vault_variables = *std::move(variables);
    }
    auto read = read_once(overrides, seeing);
    // No fault of the configuration: another try may do.
    if (vault.away()) return std::unexpected(*vault.away());
    if (read) read->from_vault = vault.count();
    if (read && read->settings.vault.backend == vault::BackendKind::environment) {
        const auto weak = vault::environment_backend({})->weakness();
        read->warnings.push_back("vault.backend: environment: " + std::string(weak));
    }
    return read;
}

Result<ReadSettings> read_settings_text(std::string_view text, std::string_view file,
                                        const fs::path& folder, const Overrides& overrides,
                                        const Surroundings& surroundings) {
    return Reading(overrides, surroundings).from_text(text, file, folder);
}

}  // namespace gh::app
