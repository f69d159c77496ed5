// Looking up keys and users among few and among many: it must stay flat.

#include <memory>
#include <optional>
#include <random>
#include <stdexcept>

#include "base/id.hpp"
#include "figures.hpp"
#include "identity/key_repository.hpp"
#include "identity/user_repository.hpp"
#include "net/loop.hpp"
#include "net/run_task.hpp"
#include "storage/migration.hpp"
#include "storage/open.hpp"
#include "storage/url.hpp"

namespace gh::bench {
namespace {

using namespace identity;
using storage::Statement;

constexpr std::size_t few = 100;
constexpr std::size_t batch = 5'000;
constexpr std::size_t asked_a_round = 500;
constexpr std::size_t rounds = 21;

constexpr Statement insert_key{
    .name = "bench.key",
    .sql =
        "INSERT INTO api_keys (id, hash, name, owner, subject, kind, roles, scopes, expires_at, "
        "created_at, updated_at) VALUES ($1, $2, 'bench', 'bench', $1, 'api_key', 'user', '', "
        "NULL, "
        "$3, $3)"};
constexpr Statement insert_user{
    .name = "bench.user",
    .sql =
        "INSERT INTO users (id, name, name_folded, created_at, updated_at) "
        "VALUES ($1, $2, $2, $3, $3)"};
constexpr Statement analyse{.name = "bench.analyse", .sql = "ANALYZE"};

const SystemTime now{seconds(1'700'000'000)};

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(describe(result.error()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// The n-th key: its id is spread as those are that the repository makes.
std::string key_text(std::size_t n) {
    std::mt19937_64 random(n);
    return generate_api_key(fmt::format("{:016x}", random())).value();
}

std::string user_name(std::size_t n) { return fmt::format("user-{}", n * 7'919 % 1'000'003); }

struct House {
    explicit House(std::unique_ptr<storage::Database> opened)
        : database(std::move(opened)),
          hasher(std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32))),
          keys(*database, hasher),
          users(*database) {}

    Task<Result<void>> add_keys(std::size_t from, std::size_t to) {
        for (; from < to; from += batch) {
            std::vector<storage::Parameters> rows;
            for (auto n = from; n < std::min(from + batch, to); ++n) {
                const auto text = key_text(n);
                const auto hash = hasher->of_text(text);
                storage::Blob octets{std::string(hash.begin(), hash.end())};
                rows.push_back(
                    {std::string(*api_key_id(text)), std::move(octets), storage::to_value(now)});
                if (n % stride == 0) known.push_back(text);
            }
            GH_CO_TRY_VOID(co_await put(insert_key, std::move(rows)));
        }
        co_return Result<void>{};
    }
    Task<Result<void>> add_users(std::size_t from, std::size_t to) {
        for (; from < to; from += batch) {
            std::vector<storage::Parameters> rows;
            for (auto n = from; n < std::min(from + batch, to); ++n) {
                rows.push_back(
                    {std::string(view(uuid_v7(now))), user_name(n), storage::to_value(now)});
            }
            GH_CO_TRY_VOID(co_await put(insert_user, std::move(rows)));
        }
        co_return Result<void>{};
    }
    Task<Result<std::uint64_t>> put(const Statement& statement,
                                    std::vector<storage::Parameters> rows) {
        auto work = [&statement, rows = std::move(rows)](storage::Session& session) {
            return session.execute_many(statement, rows);
        };
        co_return co_await database->write(std::move(work));
    }

    /// Wall time of one after another, in microseconds each: a database's work is on other threads.
    Task<Result<double>> look_up_keys() {
        const auto began = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < asked_a_round; ++i) {
            const auto found = co_await keys.recognise(known[asked++ * 7'919 % known.size()], now);
            if (!found) co_return std::unexpected(found.error());
        }
        co_return since(began);
    }
    Task<Result<double>> look_up_users(std::size_t count) {
        const auto began = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < asked_a_round; ++i) {
            auto name = user_name(asked++ * 104'729 % count);
            const auto found = co_await users.find_by_name(std::move(name));
            if (!found) co_return std::unexpected(found.error());
        }
        co_return since(began);
    }
    static double since(std::chrono::steady_clock::time_point began) {
        const std::chrono::duration<double, std::micro> took =
            std::chrono::steady_clock::now() - began;
        return took.count() / asked_a_round;
    }

    std::unique_ptr<storage::Database> database;
    std::shared_ptr<const ApiKeyHasher> hasher;
    KeyRepository keys;
    UserRepository users;
    std::vector<std::string> known;  ///< some of the keys
    std::size_t stride = 1;
    std::size_t asked = 0;
};

struct Figures {
    double keys, users;
};

Figures measure(House& house, std::size_t users) {
    std::vector<double> of_keys, of_users;
    for (std::size_t round = 0; round <= rounds; ++round) {
        const auto key = must(net::run_to_end(house.look_up_keys()));
        const auto user = must(net::run_to_end(house.look_up_users(users)));
        if (round == 0) continue;  // warms up
        of_keys.push_back(key);
        of_users.push_back(user);
    }
    return {median(of_keys), median(of_users)};
}

}  // namespace

bool lookups(std::string_view url, std::size_t keys, std::size_t users) {
    telemetry::Registry registry;
    storage::Observer observer(registry, nullptr, seconds(60));
    storage::StorageConfig config;
    config.url = must(storage::parse_storage_url(url));
    House house(must(storage::open_database(config, ".", observer, nullptr)));
    must(net::run_to_end(storage::migrate(*house.database, storage::embedded_migrations(), now)));
    must(net::run_to_end(house.add_keys(0, few)));
    must(net::run_to_end(house.add_users(0, few)));
    const auto with_few = measure(house, few);
    house.known.clear();
    house.stride = std::max<std::size_t>(1, keys / 20'000);
    must(net::run_to_end(house.add_keys(few, keys)));
    must(net::run_to_end(house.add_users(few, users)));
    must(net::run_to_end(house.database->query(analyse)));
    const auto with_many = measure(house, users);
    fmt::print("{}: {} keys and {} users, medians of {} rounds, one look-up after another.\n\n",
               house.database->engine(), keys, users, rounds);
    fmt::print("| us | of {} | of all |\n| --- | --- | --- |\n", few);
    fmt::print("| a key recognised | {:.1f} | {:.1f} |\n", with_few.keys, with_many.keys);
    fmt::print("| a user found | {:.1f} | {:.1f} |\n\n", with_few.users, with_many.users);
    fmt::print("| ratio | is | at most | holds |\n| --- | --- | --- | --- |\n");
    bool holds = judge("keys, all to few", with_many.keys / with_few.keys, 2);
    holds &= judge("users, all to few", with_many.users / with_few.users, 2);
    return holds;
}

}  // namespace gh::bench
