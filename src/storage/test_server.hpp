#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "storage/test_folder.hpp"
#include "storage/url.hpp"

namespace gh::storage {

/// A real PostgreSQL for the tests of one program: an own folder, a Unix socket, TLS on free ports of 127.0.0.1 and
/// 127.0.0.2 with a certificate for localhost and the first of them, and a database for each test. It runs as an ordinary
/// user, without fsync, and ends with the program.
class TestServer {
 public:
    /// The one of this program, started when first asked for; null where PostgreSQL 15 is not installed.
    [[nodiscard]] static TestServer* shared();
    ~TestServer();
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;

    /// A new, empty database of the user "gate".
    [[nodiscard]] std::string make_database();
    /// How "gate" reaches it: over the Unix socket, or over TLS with everything verified.
    [[nodiscard]] PostgresUrl local(std::string database) const;
    [[nodiscard]] PostgresUrl remote(std::string database) const;
    /// Runs SQL as the superuser.
    /// @return the first column of the first row, or nothing; throws when it fails
    std::string admin(const std::string& sql, const std::string& database = "postgres") const;

    /// Polls until the query's first column is `wanted`; throws after a minute.
    void until(const std::string& sql, std::string_view wanted) const;

    void start();
    /// Ends connections first, as a restart does.
    void stop();

    [[nodiscard]] std::filesystem::path data() const { return folder_.path / "data"; }
    [[nodiscard]] std::string certificate(std::string_view name) const {
        return (folder_.path / (std::string(name) + ".crt")).string();
    }

 private:
    TestServer();
    void run(const std::string& command) const;
    void make_certificates() const;

    TestFolder folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
    unsigned databases_ = 0;
};

}  // namespace gh::storage
