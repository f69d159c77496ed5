#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <set>

#include "audit/testing.hpp"

// kill -9 in the middle of it all.

namespace gh::audit {
namespace {

/// Appends until it is killed, and tells of each record that was acknowledged.
[[noreturn]] void append_until_killed(const std::filesystem::path& folder, int tell, bool away,
                                      const std::string& prefix) {
    telemetry::Registry registry;
    storage::Observer observer(registry, nullptr, milliseconds(1'000));
    const auto database = storage::open_sqlite(folder / "test.db", {}, observer).value();
    Writer writer(*database, folder / "fallback_db");
    writer.sometimes.away = away;
    net::Loop loop;
    auto one = [&](int lane) -> Task<> {
        for (int i = 0;; ++i) {
            const auto id = prefix + std::to_string(lane) + "-" + std::to_string(i);
            auto record = record_of(id);
            if (!co_await writer.log.append(std::move(record))) ::_exit(1);
            const auto line = id + "\n";
            if (::write(tell, line.data(), line.size()) < 0) ::_exit(1);
        }
    };
    loop.post([&] {
        for (int lane = 0; lane < 8; ++lane) spawn(one(lane));
    });
    loop.run();
    ::_exit(1);
}

/// Reads what a child tells until it has told `lines`, kills it, and reads the rest.
Ids kill_after(pid_t child, int told, std::size_t lines) {
    std::string text;
    std::array<char, 4096> buffer;
    bool killed = false;
    for (;;) {
        const auto got = ::read(told, buffer.data(), buffer.size());
        if (got <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (!killed && std::ranges::count(text, '\n') >= static_cast<std::ptrdiff_t>(lines)) {
            ::kill(child, SIGKILL);
            killed = true;
        }
    }
    EXPECT_TRUE(killed);
    Ids ids;
    for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != text.npos;
         begin = end + 1)
        ids.push_back(text.substr(begin, end - begin));
    return ids;
}

class AuditLogKilled : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Database, AuditLogKilled, testing::Bool(), [](const auto& chosen) {
    return std::string(chosen.param ? "Away" : "There");
});

TEST_P(AuditLogKilled, NothingAcknowledgedIsLost) {
    storage::TestFolder folder;
    telemetry::Registry registry;
    storage::Observer observer(registry, nullptr, milliseconds(1'000));
    {
        const auto database = storage::open_sqlite(folder.path / "test.db", {}, observer).value();
        ASSERT_TRUE(
            storage::run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
    }
    Ids acknowledged;
    for (int round = 0; round < 5; ++round) {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        const auto child = ::fork();  // no thread of ours is running here
        if (child == 0)
            append_until_killed(folder.path, ends[1], GetParam(), std::to_string(round) + "-");
        ::close(ends[1]);
        const auto told = kill_after(child, ends[0], 37U * static_cast<unsigned>(round + 1));
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFSIGNALED(status));
        acknowledged.insert(acknowledged.end(), told.begin(), told.end());

        const auto database = storage::open_sqlite(folder.path / "test.db", {}, observer).value();
        Writer writer(*database, folder.path / "fallback_db");
        writer.replay();
        const auto kept = ids_in(*database);
        const std::set<std::string> all(kept.begin(), kept.end());
        EXPECT_EQ(all.size(), kept.size());
        for (const auto& id : acknowledged) EXPECT_TRUE(all.contains(id)) << id;
    }
}

}  // namespace
}  // namespace gh::audit
