// What a durable audit record costs on SQLite, against the disk it lies on: so many callers append at once, each waits until
// its record is on disk, and appends again. Those who wait at the same moment share one commit, so the disk alone would allow
// its fsync rate times their number; the ratio says how much of that is left. Prints Markdown; the median round counts.
//
//   gh_bench_audit FOLDER [ROUNDS SECONDS]

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "audit/log.hpp"
#include "net/loop.hpp"
#include "storage/migration.hpp"
#include "storage/sqlite/database.hpp"

namespace {

using namespace gh;
using Clock = std::chrono::steady_clock;

constexpr unsigned caller_counts[] = {1, 8, 16, 32, 128};

double per_second(std::uint64_t count, Clock::time_point since) {
    return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - since).count();
}

/// 4 KiB written at the end of a file and synced, again and again.
double disk(const std::filesystem::path& file, Clock::duration time) {
    const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    const std::string page(4'096, 'x');
    const auto started = Clock::now();
    std::uint64_t count = 0;
    for (; Clock::now() < started + time; ++count) {
        if (::write(fd, page.data(), page.size()) != 4'096 || ::fdatasync(fd) != 0) std::exit(1);
    }
    const auto rate = per_second(count, started);
    ::close(fd);
    return rate;
}

/// As a request leaves one: about 450 bytes.
audit::Record sign_in(std::uint64_t number, SystemTime now) {
    audit::Record record;
    record.time = now;
    record.actor_type = access::PrincipalType::user;
    record.actor = "user-" + std::to_string(number % 1'000);
    record.action = "user.sign_in";
    record.object_type = "user";
    record.object_id = record.actor;
    record.request_id = "019b7600-0000-7000-8000-000000000000";
    record.correlation_id = "5a1c3a52-6f0e-4b7e-9d0a-0a2b3c4d5e6f";
    record.client = codec::IpAddress::parse("192.0.2.7").value();
    record.details = {{"method", "password"}, {"attempt", std::int64_t{1}}};
    return record;
}

double cpu_microseconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

struct Rates {
    double per_second, cpu_microseconds;
};

struct Round {
    net::Loop loop;
    audit::Log& log;
    Clock::time_point until;
    unsigned callers;
    std::uint64_t count = 0;

    Task<> call() {
        while (Clock::now() < until) {
            auto record = sign_in(count, loop.system_now());
            const auto done = co_await log.append(std::move(record));
            if (!done) {
                fmt::print(stderr, "{}\n", describe(done.error()));
                std::exit(1);
            }
            ++count;
        }
        if (--callers == 0) loop.stop();
    }
};

Rates appends(audit::Log& log, unsigned callers, Clock::duration time) {
    const auto started = Clock::now();
    const auto cpu = cpu_microseconds();
    Round round{.loop = {}, .log = log, .until = started + time, .callers = callers};
    round.loop.post([&] {
        for (unsigned i = 0; i < callers; ++i) spawn(round.call());
    });
    round.loop.run();
    return {per_second(round.count, started),
            (cpu_microseconds() - cpu) / static_cast<double>(round.count)};
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

template <class T>
T all_of(Task<T> task) {
    net::Loop loop;
    std::optional<T> value;
    auto whole = [&loop, &value](Task<T> inner) -> Task<> {
        value.emplace(co_await std::move(inner));
        loop.stop();
    };
    loop.post([&] { spawn(whole(std::move(task))); });
    loop.run();
    return *std::move(value);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2 && count != 4) {
        fmt::print(stderr, "usage: gh_bench_audit FOLDER [ROUNDS SECONDS]\n");
        return 2;
    }
    const std::filesystem::path folder = arguments[1];
    const auto rounds = count == 4 ? std::max(1L, std::strtol(arguments[2], nullptr, 10)) : 5L;
    const auto time = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(count == 4 ? std::strtod(arguments[3], nullptr) : 1.0));
    std::filesystem::create_directories(folder);

    telemetry::Registry registry;
    telemetry::NoLog sink;
    telemetry::Log quiet(sink);
    storage::Observer observer(registry, nullptr, seconds(10));
    auto database = storage::open_sqlite(folder / "audit.db", {}, observer).value();
    all_of(storage::migrate(*database, storage::embedded_migrations(),
                            std::chrono::system_clock::now()))
        .value();
    storage::Fallback fallback(*database, storage::Journal::open(folder / "journal", {}).value(),
                               registry, quiet);
    audit::Log log(fallback, registry, quiet);

    fmt::print(
        "| callers | records a second | CPU us a record | fsyncs a second of the disk | ratio |\n");
    fmt::print("| ---: | ---: | ---: | ---: | ---: |\n");
    for (const auto callers : caller_counts) {
        std::vector<double> ours, cpu, bare, ratios;
        for (long round = 0; round < rounds; ++round) {
            bare.push_back(disk(folder / "bare", time));
            const auto rates = appends(log, callers, time);
            ours.push_back(rates.per_second);
            cpu.push_back(rates.cpu_microseconds);
            ratios.push_back(ours.back() / (bare.back() * callers));
        }
        fmt::print("| {} | {:.0f} | {:.1f} | {:.0f} | {:.0f} % |\n", callers, median(ours),
                   median(cpu), median(bare), 100 * median(ratios));
    }
    return 0;
}
