#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "app/ca_command.hpp"
#include "app/ca_state.hpp"
#include "base/try.hpp"
#include "pki/host_names.hpp"

// Files that PostgreSQL and RabbitMQ are started with. No key of the CA is among them: leaves, and whom to trust.

namespace gh::app {
namespace {

namespace fs = std::filesystem;

Result<void> make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        return fail_errno(ErrorKind::unavailable, "file.io", "making " + folder.string(),
                          error.value());
    }
    return {};
}

Result<void> write_pair(CaState& state, const fs::path& folder, const std::string& name,
                        const pki::LeafRequest& request) {
    GH_TRY(auto issued, state.ca->issuer()->issue(request, std::chrono::system_clock::now()));
    GH_TRY_VOID(record_issued(state, issued));
    auto wrote = write_new_file(folder / (name + ".key"), issued.key_pem, 0600);
    crypto::wipe(issued.key_pem.data(), issued.key_pem.size());
    if (!wrote) return wrote;
    return write_new_file(folder / (name + ".crt"), issued.chain_pem, 0644);
}

/// The server's pair, a client's, the root, and a note of the settings that use them.
Result<void> write_service(CaState& state, const fs::path& folder, const CaOptions& options,
                           const std::string& service, const std::vector<std::string>& hosts,
                           const std::string& settings_name, const std::string& settings) {
    GH_TRY(auto names, pki::names_from_hosts(hosts));
    GH_TRY(auto client_names, pki::names_from_hosts(std::vector{options.role}));
    GH_TRY_VOID(make_folder(folder));
    GH_TRY_VOID(write_pair(state, folder, "server",
                           {.profile = pki::Profile::infrastructure,
                            .common_name = service,
                            .names = std::move(names)}));
    GH_TRY_VOID(write_pair(state, folder, "client",
                           {.profile = pki::Profile::client,
                            .common_name = options.role,
                            .names = std::move(client_names)}));
    GH_TRY_VOID(write_new_file(folder / "ca.crt", state.ca->root().certificate_pem(), 0644));
    return write_new_file(folder / settings_name, settings, 0644);
}

std::string postgres_settings(const fs::path& folder, const std::string& role) {
    return fmt::format(
        "# include this in postgresql.conf, with keys that belong to the server's user\n"
        "ssl = on\nssl_cert_file = '{0}/server.crt'\nssl_key_file = '{0}/server.key'\n"
        "ssl_ca_file = '{0}/ca.crt'\nssl_min_protocol_version = 'TLSv1.2'\n"
        "# and in pg_hba.conf, so that only the certificate of the role {1} opens it:\n"
        "#   hostssl all {1} all cert\n"
        "# a client: sslmode=verify-full sslrootcert={0}/ca.crt sslcert={0}/client.crt "
        "sslkey={0}/client.key\n",
        folder.string(), role);
}

std::string rabbitmq_settings(const fs::path& folder) {
    return fmt::format(
        "listeners.tcp = none\nlisteners.ssl.default = 5671\n"
        "ssl_options.cacertfile = {0}/ca.crt\nssl_options.certfile = {0}/server.crt\n"
        "ssl_options.keyfile = {0}/server.key\nssl_options.verify = verify_peer\n"
        "ssl_options.fail_if_no_peer_cert = true\nssl_options.depth = 2\n"
        "ssl_options.versions.1 = tlsv1.3\nssl_options.versions.2 = tlsv1.2\n",
        folder.string());
}

Result<std::string> infra(const Overrides& overrides, const Surroundings& surroundings,
                          const CaOptions& options) {
    if (options.postgres.empty() && options.rabbitmq.empty()) {
        return fail(ErrorKind::invalid_argument, "usage",
                    "command line: name the servers' hosts with --postgres and --rabbitmq");
    }
    GH_TRY(auto state, open_ca(overrides, surroundings));
    const auto folder = fs::absolute(options.out).lexically_normal();
    std::string told;
    if (!options.postgres.empty()) {
        const auto here = folder / "postgres";
        GH_TRY_VOID(write_service(state, here, options, "postgres", options.postgres,
                                  "postgresql.tls.conf", postgres_settings(here, options.role)));
        told += here.string() + "\n";
    }
    if (!options.rabbitmq.empty()) {
        const auto here = folder / "rabbitmq";
        GH_TRY_VOID(write_service(state, here, options, "rabbitmq", options.rabbitmq,
                                  "rabbitmq.tls.conf", rabbitmq_settings(here)));
        told += here.string() + "\n";
    }
    return told;
}

}  // namespace

CommandResult ca_infra(const Overrides& overrides, const Surroundings& surroundings,
                       const CaOptions& options) {
    const auto done = infra(overrides, surroundings, options);
    if (!done) return failed(done.error());
    return {.exit_code = 0,
            .out = *done,
            .err =
                "give each folder's server.key to its server's user; client.* are for who "
                "connects\n"};
}

}  // namespace gh::app
