// What durable messages cost through the room and without HTTP: senders send to inboxes, each inbox has a receiver that takes up
// to a hundred at once and acknowledges them. A message counts when its acknowledgement is on disk. Prints Markdown; CPU is that
// of all threads, not of a server.
//
//   gh_bench_bus FOLDER [SECONDS] [URL]   URL of PostgreSQL, else SQLite in FOLDER

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "bus/bus.hpp"
#include "net/loop.hpp"
#include "storage/migration.hpp"
#include "storage/postgres/database.hpp"
#include "storage/sqlite/database.hpp"
#include "storage/url.hpp"

namespace {

using namespace gh;
using Clock = std::chrono::steady_clock;

constexpr int inboxes = 8, senders = 64;

double cpu_microseconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

template <class T>
T good(Result<T> done) {
    if (done) return *std::move(done);
    fmt::print(stderr, "{}\n", describe(done.error()));
    std::exit(1);
}

std::string inbox(int number) { return "user:" + std::to_string(number % inboxes); }

struct Round {
    bus::Bus& bus;
    net::Loop& loop;
    std::size_t batch;
    Clock::time_point until;
    std::uint64_t sent = 0, done = 0;
    int running = 0;

    [[nodiscard]] bool over() const { return Clock::now() >= until; }

    Task<> send(int number) {
        for (int turn = number; !over(); ++turn) {
            std::vector<bus::Draft> drafts(batch);
            for (auto& draft : drafts) {
                draft.recipient = inbox(turn);
                draft.sender = "user:sender";
                draft.body = R"({"text":")" + std::string(100, 'x') + "\"}";
            }
            const auto all = good(co_await bus.send(std::move(drafts)));
            for (const auto& one : all) sent += one.refusal.empty() ? 1 : 0;
        }
        --running;
    }
    Task<> receive(int number) {
        net::Wakeup wakeup(loop);
        const net::Doorbell::Visitor visitor(bus.bell(), inbox(number), wakeup);
        while (running > 0 || done < sent) {
            const auto some = good(co_await bus.receive(inbox(number), 100, {}));
            if (some.messages.empty()) {
                wakeup.expire_at(loop.now() + milliseconds(20));
                co_await wakeup.wait();
                continue;
            }
            std::vector<std::string> ids;
            for (const auto& message : some.messages) ids.push_back(message.id);
            const auto count = ids.size();
            if (auto kept = co_await bus.acknowledge(inbox(number), std::move(ids)); !kept)
                std::exit(1);
            done += count;
        }
    }
};

Task<> receive_and_count(Round& round, int number, int& receivers) {
    co_await round.receive(number);
    --receivers;
}

Task<> measure(bus::Bus& bus, Clock::duration time) {
    auto& loop = *net::Loop::current();
    fmt::print(
        "| messages a call | messages a second | CPU us a message |\n| ---: | ---: | ---: |\n");
    for (const std::size_t batch : {std::size_t{1}, std::size_t{25}}) {
        const auto started = Clock::now();
        const auto cpu = cpu_microseconds();
        Round round{.bus = bus, .loop = loop, .batch = batch, .until = started + time};
        int receivers = inboxes;
        round.running = senders;
        for (int i = 0; i < senders; ++i) spawn(round.send(i));
        for (int i = 0; i < inboxes; ++i) spawn(receive_and_count(round, i, receivers));
        while (receivers > 0) co_await net::Sleep(loop, milliseconds(5));
        const auto took = std::chrono::duration<double>(Clock::now() - started).count();
        const auto count = static_cast<double>(round.done);
        fmt::print("| {} | {:.0f} | {:.1f} |\n", batch, count / took,
                   (cpu_microseconds() - cpu) / count);
    }
    loop.stop();
}

Task<> migrate(storage::Database& database) {
    good(co_await storage::migrate(database, storage::embedded_migrations(),
                                   std::chrono::system_clock::now()));
    net::Loop::current()->stop();
}

std::unique_ptr<storage::Database> open(const std::filesystem::path& folder, const char* url,
                                        storage::Observer& observer) {
    if (url == nullptr) return good(storage::open_sqlite(folder / "bus.db", {}, observer));
    const auto parsed = good(storage::parse_storage_url(url));
    return storage::open_postgres(std::get<storage::PostgresUrl>(parsed), {.min = 4, .max = 20},
                                  observer, nullptr);
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2 || count > 4) {
        fmt::print(stderr, "usage: gh_bench_bus FOLDER [SECONDS] [URL]\n");
        return 2;
    }
    const std::filesystem::path folder = arguments[1];
    const auto time = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(count > 2 ? std::strtod(arguments[2], nullptr) : 3.0));
    std::filesystem::create_directories(folder);
    telemetry::Registry registry;
    telemetry::NoLog sink;
    telemetry::Log quiet(sink);
    storage::Observer observer(registry, nullptr, seconds(10));
    auto database = open(folder, count == 4 ? arguments[3] : nullptr, observer);
    net::Loop first;
    first.post([&] { spawn(migrate(*database)); });
    first.run();
    storage::Fallback fallback(*database, storage::Journal::open(folder / "journal", {}).value(),
                               registry, quiet);
    bus::BusConfig config;
    config.inbox_messages_max = 10'000'000;
    config.sender_messages_max = 10'000'000;
    config.sender_bytes_max = config.bytes_max;
    bus::Bus bus({.database = *database,
                  .fallback = fallback,
                  .name_of_agent = {},
                  .config = config,
                  .registry = registry,
                  .log = quiet});
    net::Loop loop;
    loop.post([&] { spawn(measure(bus, time)); });
    loop.run();
    return 0;
}
