#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
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

/// Remembers the statements that look for rows.
class Remembering final : public Observer {
 public:
    using Observer::Observer;
    void done(const Statement& statement, std::chrono::nanoseconds took,
              const Error* error) override {
        Observer::done(statement, took, error);
        const auto kind = statement.kind();
        if (kind != "select" && kind != "update" && kind != "delete") return;
        const std::lock_guard lock(mutex_);
        seen_.emplace(statement.text(Dialect::sqlite), statement.name);
    }
    std::map<std::string, std::string> seen() {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

 private:
    std::mutex mutex_;
    std::map<std::string, std::string> seen_;  // their names, by their text
};

/// What SQLite would look at row by row to answer; nothing where an index leads to the rows, or gives them in their order
/// until there are enough.
inline std::string scans_of(Database& database, const std::string& text) {
    const auto explained = "EXPLAIN QUERY PLAN " + text;
    const Statement statement{.name = "t.explain", .sql = explained};
    Parameters nothing;
    while (text.contains(fmt::format("${}", nothing.size() + 1))) nothing.emplace_back(nullptr);
    const auto plan = run_to_end(
        database.read([&](Session& session) { return session.run(statement, nothing); }));
    if (!plan) return describe(plan.error());
    bool sorted = false;
    std::string found;
    for (std::size_t i = 0; i < plan->size(); ++i) {
        const auto& step = (*plan)[i].text(3);
        // What a statement has put together itself is no table.
        if (text.contains("WITH RECURSIVE " + step.substr(step.find(' ') + 1) + " (")) continue;
        sorted = sorted || step.starts_with("USE TEMP B-TREE");
        const bool scan = step.starts_with("SCAN ") && !step.contains(" INDEX ") &&
                          !step.contains("CONSTANT ROW") && !step.contains("VIRTUAL TABLE");
        if (scan) found += step + "; ";
    }
    return text.contains(" LIMIT ") && !sorted ? "" : found;
}

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
    /// Every statement of the house that a test has run finds its rows by an index.
    void TearDown() override {
        if (!database || GetParam() != Dialect::sqlite) return;
        for (const auto& [text, name] : observer.seen()) {
            if (wants_all(name)) continue;
            EXPECT_EQ(scans_of(*database, text), "") << name << ": " << text;
        }
    }
    /// Those of tests, of whole tables by their purpose, and of tables that cannot grow.
    static bool wants_all(std::string_view name) {
        static constexpr std::string_view prefixes[] = {"t.",         "test",   "backup.",
                                                        "migration.", "roles.", "audit.verify_"};
        return std::ranges::any_of(prefixes, [&](auto prefix) { return name.starts_with(prefix); });
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
    Remembering observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<Database> database;

 private:
    std::string name_;
};

inline const auto both_engines = testing::Values(Dialect::sqlite, Dialect::postgres);

inline std::string engine_name(const testing::TestParamInfo<Dialect>& info) {
    return info.param == Dialect::sqlite ? "Sqlite" : "Postgres";
}

}  // namespace gh::storage
