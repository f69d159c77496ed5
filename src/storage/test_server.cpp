#include "storage/test_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

namespace gh::storage {
namespace {

const std::filesystem::path programs = "/usr/lib/postgresql/15/bin";
constexpr std::string_view password = "in the house";
constexpr int start_polls_max = 3'000;  // of 20 ms: a busy machine

// The server refuses root, and ends when this thread does, however that comes about.
std::string as_ordinary_user() {
    const std::string end_with_us = "setpriv --pdeathsig QUIT ";
    return ::geteuid() == 0 ? end_with_us + "--reuid=nobody --regid=nogroup --clear-groups "
                            : end_with_us;
}

pid_t spawn_shell(const std::string& command, const std::filesystem::path& log) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    std::string shell = "/bin/sh";
    std::string flag = "-c";
    std::string line = "exec " + command;
    std::array<char*, 4> arguments{shell.data(), flag.data(), line.data(), nullptr};
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, shell.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("no shell for the test");
    return pid;
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    ::close(fd);
    return ntohs(address.sin_port);
}

void write(const std::filesystem::path& file, std::string_view text) {
    std::ofstream(file) << text;
}

}  // namespace

TestServer* TestServer::shared() {
    if (!std::filesystem::exists(programs / "initdb")) return nullptr;
    static const std::unique_ptr<TestServer> server(new TestServer);
    return server.get();
}

TestServer::TestServer() : port_(free_port()) {
    make_certificates();
    if (::geteuid() == 0) run("chown -R nobody:nogroup " + folder_.path.string());
    run(as_ordinary_user() + (programs / "initdb").string() + " -D " + data().string() +
        " -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync");
    write(data() / "pg_hba.conf",
          "local all all trust\n"
          "hostssl all all 127.0.0.0/8 scram-sha-256\n"
          "host all all 127.0.0.0/8 scram-sha-256\n");
    std::ofstream(data() / "postgresql.conf", std::ios::app) << fmt::format(
        "listen_addresses = '127.0.0.1,127.0.0.2'\nport = {0}\n"
        "unix_socket_directories = '{1}'\nfsync = off\nmax_connections = 60\n"
        "ssl = on\nssl_cert_file = '{1}/server.crt'\nssl_key_file = '{1}/server.key'\n"
        "shared_buffers = 32MB\n",
        port_, folder_.path.string());
    start();
    admin(fmt::format("CREATE ROLE gate LOGIN PASSWORD '{}'", password));
}

TestServer::~TestServer() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGQUIT);
    wait_for(pid_);
}

void TestServer::run(const std::string& command) const {
    if (wait_for(spawn_shell(command, folder_.path / "log")) == 0) return;
    std::ifstream log(folder_.path / "log");
    throw std::runtime_error(command + ": " + std::string(std::istreambuf_iterator<char>(log), {}));
}

/// ca: signs server; other: signs nothing.
void TestServer::make_certificates() const {
    const auto at = [this](std::string_view name) { return (folder_.path / name).string(); };
    const std::string key = " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for (const auto* name : {"ca", "other"})
        run(fmt::format(
            "openssl req -x509{} -days 2 -subj '/CN=Test {}' -keyout {}.key -out {}.crt", key, name,
            at(name), at(name)));
    write(at("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
    run(fmt::format("openssl req{} -subj /CN=server -keyout {}.key -out {}.csr", key, at("server"),
                    at("server")));
    run(fmt::format(
        "openssl x509 -req -in {0}.csr -CA {1}.crt -CAkey {1}.key -CAcreateserial -days 2 "
        "-extfile {2} -out {0}.crt",
        at("server"), at("ca"), at("names")));
}

void TestServer::start() {
    pid_ = spawn_shell(
        as_ordinary_user() + (programs / "postgres").string() + " -D " + data().string(),
        folder_.path / "log");
    const auto target =
        fmt::format("host={} port={} dbname=postgres user=postgres", folder_.path.string(), port_);
    for (int i = 0; i < start_polls_max; ++i) {
        if (PQping(target.c_str()) == PQPING_OK) return;
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) break;
        ::poll(nullptr, 0, 20);
    }
    std::ifstream log(folder_.path / "log");
    throw std::runtime_error("PostgreSQL did not start: " +
                             std::string(std::istreambuf_iterator<char>(log), {}));
}

void TestServer::stop() {
    ::kill(pid_, SIGINT);
    wait_for(pid_);
    pid_ = -1;
}

std::string TestServer::make_database() {
    auto name = fmt::format("test{}", ++databases_);
    admin(fmt::format("CREATE DATABASE {} OWNER gate", name));
    return name;
}

PostgresUrl TestServer::local(std::string database) const {
    PostgresUrl url;
    url.user = "gate";
    url.host = folder_.path.string();
    url.port = port_;
    url.database = std::move(database);
    return url;
}

PostgresUrl TestServer::remote(std::string database) const {
    auto url = local(std::move(database));
    url.host = "127.0.0.1";
    url.password = config::Secret(std::string(password));
    url.ca_file = certificate("ca");
    return url;
}

void TestServer::until(const std::string& sql, std::string_view wanted) const {
    for (int i = 0; i < start_polls_max; ++i) {
        if (admin(sql) == wanted) return;
        ::poll(nullptr, 0, 20);
    }
    throw std::runtime_error(sql + ": did not become " + std::string(wanted));
}

std::string TestServer::admin(const std::string& sql, const std::string& database) const {
    const auto target = fmt::format("host={} port={} dbname={} user=postgres",
                                    folder_.path.string(), port_, database);
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(target.c_str()),
                                                                &PQfinish);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
        PQexec(connection.get(), sql.c_str()), &PQclear);
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : std::string{};
}

}  // namespace gh::storage
