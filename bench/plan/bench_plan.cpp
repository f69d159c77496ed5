// What a plan costs whose steps take no time: claims and reports through the repositories, to a database on disk. Prints one
// JSON object a line.
//
//   gh_bench_plan FOLDER [STEPS] [URL]   10000 steps; URL of PostgreSQL, else SQLite in FOLDER

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/run_task.hpp"
#include "plan/plan_repository.hpp"
#include "plan/work_repository.hpp"
#include "storage/migration.hpp"
#include "storage/observer.hpp"
#include "storage/postgres/database.hpp"
#include "storage/sqlite/database.hpp"
#include "storage/url.hpp"

namespace {

using namespace gh;
using plan::NewStep;
using Clock = std::chrono::steady_clock;

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

NewStep step(std::size_t number) {
    NewStep made;
    made.id = "s" + std::to_string(number);
    made.type = "work";
    made.name = made.id;
    return made;
}

/// Each after the one before.
std::vector<NewStep> chain(std::size_t count) {
    std::vector<NewStep> steps;
    for (std::size_t i = 0; i < count; ++i) {
        steps.push_back(step(i));
        if (i > 0) steps.back().depends_on.push_back(steps[i - 1].id);
    }
    return steps;
}

/// One, then all but two, then one.
std::vector<NewStep> fan(std::size_t count) {
    std::vector<NewStep> steps;
    for (std::size_t i = 0; i < count; ++i) steps.push_back(step(i));
    for (std::size_t i = 1; i + 1 < count; ++i) {
        steps[i].depends_on.push_back(steps.front().id);
        steps.back().depends_on.push_back(steps[i].id);
    }
    return steps;
}

/// A hundred wide, each on two of the row before.
std::vector<NewStep> grid(std::size_t count) {
    constexpr std::size_t width = 100;
    std::vector<NewStep> steps;
    for (std::size_t i = 0; i < count; ++i) {
        steps.push_back(step(i));
        if (i < width) continue;
        steps.back().depends_on.push_back(steps[i - width].id);
        const auto other = (i % width == 0) ? i - 1 : i - width - 1;
        steps.back().depends_on.push_back(steps[other].id);
    }
    return steps;
}

struct Work {
    plan::WorkRepository& work;
    std::size_t at_once;
    std::size_t done = 0, total = 0, agents = 0;
    bool failed = false;
};

Task<> agent(Work& all, std::size_t number, net::Wakeup& over) {
    auto& loop = *net::Loop::current();
    while (all.done < all.total && !all.failed) {
        plan::Claim wanted{
            .agent_id = "agent-" + std::to_string(number), .capabilities = {}, .max = all.at_once};
        auto claims = co_await all.work.claim(std::move(wanted), loop.system_now());
        if (!claims) {
            fmt::print(stderr, "claim: {}\n", describe(claims.error()));
            all.failed = true;
            break;
        }
        if (claims->steps.empty()) {
            co_await net::Sleep(loop, milliseconds(1));
            continue;
        }
        for (auto& claimed : claims->steps) {
            plan::Finish finish;
            finish.lease = claimed.step.lease;
            finish.agent_id = claimed.step.agent_id;
            finish.result = R"({"n":1})";
            const auto done = co_await all.work.finish(std::move(finish), loop.system_now());
            if (!done) {
                fmt::print(stderr, "finish: {}\n", describe(done.error()));
                all.failed = true;
                break;
            }
            ++all.done;
        }
    }
    if (--all.agents == 0) over.wake();
}

Task<Result<bool>> work_off(Work& all, std::size_t agents) {
    net::Wakeup over(*net::Loop::current());
    all.agents = agents;
    for (std::size_t i = 0; i < agents; ++i) spawn(agent(all, i, over));
    co_await over.wait();
    co_return !all.failed && all.done == all.total;
}

bool measure(storage::Database& database, const std::string& shape, std::vector<NewStep> steps,
             std::size_t agents, std::size_t at_once) {
    plan::PlanRepository plans(database);
    plan::WorkRepository work(database, {.lease = std::chrono::minutes(10)});
    plan::NewPlan wanted;
    wanted.id =
        fmt::format("{}_{}_{}_{}", shape, agents, at_once, Clock::now().time_since_epoch().count());
    wanted.name = shape;
    const auto total = steps.size();
    wanted.steps = std::move(steps);
    const auto id = wanted.id;
    const auto began = Clock::now();
    const auto made =
        net::run_to_end(plans.add(std::move(wanted), std::chrono::system_clock::now()));
    if (!made) {
        fmt::print(stderr, "create: {}\n", describe(made.error()));
        return false;
    }
    const auto created = Clock::now();
    const auto cpu = cpu_seconds();
    Work all{.work = work, .at_once = at_once, .total = total};
    const bool good = net::run_to_end(work_off(all, agents)).value_or(false);
    const std::chrono::duration<double> took = Clock::now() - created;
    const std::chrono::duration<double> making = created - began;
    const auto state = net::run_to_end(plans.find(id));
    const auto each = 1e6 / static_cast<double>(total);
    fmt::print(
        "{{\"engine\": \"{}\", \"shape\": \"{}\", \"steps\": {}, \"agents\": {}, \"at_once\": {}, "
        "\"create_seconds\": {:.3f}, \"seconds\": {:.3f}, \"us_per_step\": {:.1f}, "
        "\"cpu_us_per_step\": {:.1f}}}\n",
        database.engine(), shape, total, agents, at_once, making.count(), took.count(),
        took.count() * each, (cpu_seconds() - cpu) * each);
    std::fflush(stdout);
    return good && state && state->state == plan::PlanState::completed;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "gh_bench_plan FOLDER [STEPS] [URL]\n");
        return 2;
    }
    const std::size_t steps = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10'000;
    telemetry::Registry registry;
    storage::Observer observer(registry, nullptr, seconds(10));
    std::unique_ptr<storage::Database> database;
    if (argc > 3) {
        auto url = storage::parse_storage_url(argv[3]);
        auto* postgres = url ? std::get_if<storage::PostgresUrl>(&*url) : nullptr;
        if (postgres == nullptr) return 2;
        database = storage::open_postgres(*postgres, {.min = 4, .max = 20}, observer, nullptr);
    } else {
        auto opened = storage::open_sqlite(std::filesystem::path(argv[1]) / "plans.db",
                                           {.min = 2, .max = 8}, observer);
        if (!opened) return 2;
        database = *std::move(opened);
    }
    const auto migrated = net::run_to_end(storage::migrate(
        *database, storage::embedded_migrations(), std::chrono::system_clock::now()));
    if (!migrated) {
        fmt::print(stderr, "{}\n", describe(migrated.error()));
        return 1;
    }
    bool good = true;
    good = measure(*database, "grid", grid(steps), 20, 10) && good;
    good = measure(*database, "fan", fan(steps), 20, 10) && good;
    good = measure(*database, "grid", grid(steps), 20, 1) && good;
    good = measure(*database, "grid", grid(steps), 1, 10) && good;
    good = measure(*database, "chain", chain(steps), 1, 1) && good;
    return good ? 0 : 1;
}
