#include "app/verb_options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "crypto/burned.hpp"
#include "storage/open.hpp"

namespace gh::app {
namespace {

std::optional<std::filesystem::path> path_or_nothing(const std::string& text) {
    if (text.empty()) return {};
    return text;
}

}  // namespace

Overrides overrides_of(const Options& options) {
    Overrides overrides;
    overrides.config_file = path_or_nothing(options.config.empty() ? options.file : options.config);
    overrides.env_file = path_or_nothing(options.env_file);
    overrides.data_dir = path_or_nothing(options.data);
    if (!options.upstream.empty()) overrides.upstream = options.upstream;
    if (!options.listen.empty()) overrides.listen = options.listen;
    if (!options.profile.empty()) {
        overrides.profile =
            options.profile == "development" ? Profile::development : Profile::production;
    }
    overrides.open_to_all = options.open;
    return overrides;
}

Overrides state_overrides(const Options& options) {
    auto overrides = overrides_of(options);
    overrides.state_only = true;
    return overrides;
}

Surroundings surroundings() {
    // libpq reads the process's own: the configuration alone says what its variables mean.
    static const auto environment = [] {
        auto copy = config::Environment::of_process();
        storage::forget_postgres_environment();
        return copy;
    }();
    Surroundings around;
    around.environment = environment;
    around.check_secret = crypto::check_secret_strength;
    return around;
}

std::string typed_line() {
    constexpr std::size_t bytes_max = 4'096;  // more than any password has
    std::string line;
    for (int c = std::fgetc(stdin); c != EOF && c != '\n' && line.size() < bytes_max;
         c = std::fgetc(stdin)) {
        line.push_back(static_cast<char>(c));
    }
    return line;
}

CLI::App* add_state_verb(CLI::App& parent, Options& options, const std::string& name,
                         const std::string& what, const std::string& example,
                         std::function<CommandResult()> run) {
    auto* verb = parent.add_subcommand(name, what);
    verb->footer("Example:\n  gatehouse " + example);
    verb->add_option("--config", options.config, "Configuration file (YAML)");
    verb->add_option("--env-file", options.env_file, "File of environment variables");
    verb->add_option("--data", options.data, "Data directory, without a configuration: data");
    verb->callback([&options, run = std::move(run)] { options.run = run; });
    return verb;
}

}  // namespace gh::app
