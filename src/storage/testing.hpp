#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/loop.hpp"
#include "storage/migration.hpp"
#include "storage/postgres/database.hpp"
#include "storage/sqlite/database.hpp"
#include "storage/test_folder.hpp"
#include "storage/test_server.hpp"

namespace gh::storage {

/// Runs a task to its end on a loop of its own.
template <class T>
T run_to_end(Task<T> task) {
    net::Loop loop;
    std::optional<T> value;
    auto whole = [](Task<T> inner, std::optional<T>& into, net::Loop& on) -> Task<> {
        into.emplace(co_await std::move(inner));
        on.stop();
    };
    loop.post([&] { spawn(whole(std::move(task), value, loop)); });
    loop.run();
    return *std::move(value);
}

/// A database that can be away, or lose the answer to a commit.
class Sometimes final : public Database {
 public:
    explicit Sometimes(Database& inner) : inner_(inner) {}
    [[nodiscard]] Dialect dialect() const override { return inner_.dialect(); }
    [[nodiscard]] PoolStatistics statistics() const override { return inner_.statistics(); }
    [[nodiscard]] std::string_view engine() const override { return inner_.engine(); }
    Task<Result<void>> run(Mode mode, Work work) override {
        ++asked;
        if (away) co_return fail(ErrorKind::unavailable, "storage.connection");
        auto done = co_await inner_.run(mode, std::move(work));
        // The commit is there, and the answer is lost.
        if (done && mode == Mode::write && std::exchange(loses_answer, false))
            co_return fail(ErrorKind::unavailable, "storage.commit_unknown");
        co_return done;
    }
    bool away = false, loses_answer = false;
    int asked = 0;

 private:
    Database& inner_;
};

/// An empty database for a test that runs on both engines:
///
///     class UsersTest : public storage::EngineTest {};
///     INSTANTIATE_TEST_SUITE_P(Engines, UsersTest, storage::both_engines, storage::engine_name);
class EngineTest : public testing::TestWithParam<Dialect> {
 protected:
    void SetUp() override {
        if (GetParam() == Dialect::postgres && TestServer::shared() == nullptr)
            GTEST_SKIP() << "PostgreSQL 15 is not installed (tools/setup test)";
        if (GetParam() == Dialect::postgres) name_ = TestServer::shared()->make_database();
        open({.min = 2, .max = 8});
    }
    /// Opens the same database anew.
    void open(PoolConfig pool) {
        database.reset();
        if (GetParam() == Dialect::postgres) {
            database = open_postgres(TestServer::shared()->local(name_), pool, observer, nullptr);
            return;
        }
        auto opened = open_sqlite(folder.path / "test.db", pool, observer);
        ASSERT_TRUE(opened) << describe(opened.error());
        database = *std::move(opened);
    }

    /// The same database, as another node sees it.
    std::unique_ptr<Database> another() {
        if (GetParam() == Dialect::postgres)
            return open_postgres(TestServer::shared()->local(name_), {.min = 2, .max = 8}, observer,
                                 nullptr);
        return open_sqlite(folder.path / "test.db", {.min = 2, .max = 8}, observer).value();
    }

    TestFolder folder;
    telemetry::Registry registry;
    Observer observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<Database> database;

 private:
    std::string name_;
};

inline const auto both_engines = testing::Values(Dialect::sqlite, Dialect::postgres);

inline std::string engine_name(const testing::TestParamInfo<Dialect>& info) {
    return info.param == Dialect::sqlite ? "Sqlite" : "Postgres";
}

}  // namespace gh::storage
