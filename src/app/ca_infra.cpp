#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

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

/// A key and its certificate: NAME.key and NAME.crt.
struct Pair {
    fs::path stem;
    pki::LeafRequest request;
    pki::IssuedCertificate issued = {};
};

struct Document {
    fs::path file;
    std::string content;
};

/// All that is to be written, and where.
struct Files {
    std::vector<Pair> pairs;
    std::vector<Document> documents;
};

/// The server's pair, a client's, the root, and a note of the settings that use them.
Result<void> add_service(Files& files, const CaState& state, const fs::path& folder,
                         const CaOptions& options, const std::vector<std::string>& hosts,
                         Document settings) {
    GH_TRY(auto names, pki::names_from_hosts(hosts));
    GH_TRY(auto client_names, pki::names_from_hosts(std::vector{options.role}));
    files.pairs.push_back({.stem = folder / "server",
                           .request = {.profile = pki::Profile::infrastructure,
                                       .common_name = {},
                                       .names = std::move(names)}});
    files.pairs.push_back({.stem = folder / "client",
                           .request = {.profile = pki::Profile::client,
                                       .common_name = options.role,
                                       .names = std::move(client_names)}});
    files.documents.push_back({folder / "ca.crt", state.ca->root().certificate_pem()});
    files.documents.push_back(std::move(settings));
    return {};
}

fs::path with_ending(const fs::path& stem, const char* ending) { return stem.native() + ending; }

Result<void> check_targets(const Files& files, Existing existing) {
    for (const auto& pair : files.pairs) {
        for (const auto* ending : {".key", ".crt"})
            GH_TRY_VOID(check_target(with_ending(pair.stem, ending), existing));
    }
    for (const auto& document : files.documents) GH_TRY_VOID(check_target(document.file, existing));
    return {};
}

/// What would hinder it is found before anything is in the inventory or on disk.
Result<void> make_files(CaState& state, Files& files, const CaOptions& options) {
    const auto existing = options.replace ? Existing::replace : Existing::keep;
    GH_TRY_VOID(check_targets(files, existing));
    for (auto& pair : files.pairs) {
        auto issued = state.ca->issuer()->issue(pair.request, std::chrono::system_clock::now());
        if (!issued && issued.error().reason == "ca.name_not_permitted") {
            issued.error().detail +=
                "; where the CA is bound to domains, the role must be a name in one of them: "
                "--role gatehouse.example.com";
        }
        if (!issued) return std::unexpected(std::move(issued).error());
        pair.issued = *std::move(issued);
    }
    for (const auto& pair : files.pairs) {
        GH_TRY_VOID(make_folder(pair.stem.parent_path()));
        GH_TRY_VOID(record_issued(state, pair.issued));
        GH_TRY_VOID(
            write_file(with_ending(pair.stem, ".key"), pair.issued.key_pem, 0600, existing));
        GH_TRY_VOID(
            write_file(with_ending(pair.stem, ".crt"), pair.issued.chain_pem, 0644, existing));
    }
    for (const auto& document : files.documents)
        GH_TRY_VOID(write_file(document.file, document.content, 0644, existing));
    return {};
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
    Files files;
    std::string told;
    if (!options.postgres.empty()) {
        const auto here = folder / "postgres";
        Document settings{here / "postgresql.tls.conf", postgres_settings(here, options.role)};
        GH_TRY_VOID(
            add_service(files, state, here, options, options.postgres, std::move(settings)));
        told += here.string() + "\n";
    }
    if (!options.rabbitmq.empty()) {
        const auto here = folder / "rabbitmq";
        Document settings{here / "rabbitmq.tls.conf", rabbitmq_settings(here)};
        GH_TRY_VOID(
            add_service(files, state, here, options, options.rabbitmq, std::move(settings)));
        told += here.string() + "\n";
    }
    const auto made = make_files(state, files, options);
    for (auto& pair : files.pairs)
        crypto::wipe(pair.issued.key_pem.data(), pair.issued.key_pem.size());
    if (!made) return std::unexpected(made.error());
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
