#include <fmt/format.h>

#include <utility>

#include "app/backend_verbs.hpp"
#include "app/configured_backend.hpp"
#include "base/try.hpp"
#include "net/run_task.hpp"
#include "vault/secret_fields.hpp"

namespace gh::app {
namespace {

Error usage(std::string text) {
    return {ErrorKind::invalid_argument, "usage", "command line: " + std::move(text)};
}

std::string line_of(const vault::BackendCheck& check) {
    return fmt::format("{:<10} {}\n", check.what,
                       check.outcome ? "good" : describe(check.outcome.error()));
}

}  // namespace

Result<std::unique_ptr<vault::Backend>> other_backend(const Overrides& overrides,
                                                      const Surroundings& surroundings,
                                                      const SecretsOptions& options) {
    auto opening = overrides;
    opening.state_only = true;
    GH_TRY(const auto read, read_settings(opening, surroundings));
    if (read.settings.vault.backend == vault::BackendKind::sealed) return nullptr;
    if (options.version != 0 || options.cas || options.all) {
        return std::unexpected(usage(
            "--version, --cas and --all are for the sealed store; vault.backend names another"));
    }
    GH_TRY(auto opened, open_backend(read, opening, surroundings));
    return std::move(opened.backend);
}

CommandResult secrets_check(const Overrides& overrides, const Surroundings& surroundings,
                            const SecretsOptions& /*options*/) {
    auto opening = overrides;
    opening.state_only = true;
    const auto read = read_settings(opening, surroundings);
    if (!read) return failed(read.error());
    auto opened = open_backend(*read, opening, surroundings);
    if (!opened) return failed(opened.error());
    const auto seen = net::run_to_end(vault::check_backend(*opened->backend));
    if (!seen) return failed(seen.error());
    CommandResult result{.exit_code = 0, .out = {}, .err = opened->backend->name() + "\n"};
    for (const auto& each : *seen) {
        result.out += line_of(each);
        if (!each.outcome) result.exit_code = 1;
    }
    if (!opened->backend->weakness().empty())
        result.err += fmt::format("weak: {}\n", opened->backend->weakness());
    return result;
}

}  // namespace gh::app
