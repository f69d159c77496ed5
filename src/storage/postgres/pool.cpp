#include "storage/postgres/pool.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace gh::storage::postgres {
namespace {

constexpr std::size_t attempts_max =
    2;  // connections on their way: a server that comes back is not run over
constexpr milliseconds pause_min{50};
constexpr milliseconds pause_max{5'000};
constexpr milliseconds restart_patience{2'000};  // away for longer: who asks is told at once
constexpr milliseconds keeping_interval{1'000};
constexpr milliseconds check_patience{2'000};

const Failure closing{
    {ErrorKind::unavailable, "storage.busy", "the database is being closed"}, Remedy::none, true};

constexpr Statement ping{.name = "pool.check", .sql = "SELECT 1"};

/// 3/4 to 5/4 of it, so that what began together does not end together.
milliseconds around(milliseconds time) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_int_distribution<std::int64_t> spread(0, time.count() / 2);
    return time * 3 / 4 + milliseconds(spread(random));
}

}  // namespace

Connection& Pool::Lease::connection() const { return *kept_->connection; }

Pool::Pool(net::Loop& loop, Connector connector, const PoolConfig& config, Observer& observer,
           telemetry::Log* log)
    : loop_(loop),
      connector_(std::move(connector)),
      config_(config),
      observer_(observer),
      log_(log),
      keeper_(loop),
      dispatcher_(loop),
      closer_(loop),
      try_at_(loop.now()) {
    loop_.post([this] {
        start(keep());
        start(dispatch());
    });
}

Pool::~Pool() = default;

Task<Result<Pool::Lease>> Pool::borrow(SteadyTime give_up) {
    if (line_.empty()) {
        if (auto kept = take_idle()) {
            lend(*kept);
            co_return Lease(*this, std::move(kept));
        }
    }
    if (auto refused = refusal()) co_return std::unexpected(*std::move(refused));
    Waiter waiter(loop_);
    waiter.wakeup.expire_at(give_up);
    line_.emplace_back(&waiter);
    ++waiters_;
    grow();
    publish();
    while (!waiter.kept && !waiter.error) {
        co_await waiter.wakeup.wait();
        if (waiter.kept || waiter.error || !waiter.wakeup.expired()) continue;
        std::erase_if(line_, [&](const Place& place) {
            const auto* each = std::get_if<Waiter*>(&place);
            return each != nullptr && *each == &waiter;
        });
        --waiters_;
        dispatcher_.wake();  // for reads that stood behind
        publish();
        co_return std::unexpected(too_late());
    }
    if (waiter.error) co_return std::unexpected(*std::move(waiter.error));
    co_return Lease(*this, std::move(waiter.kept));
}

/// Why nobody may stand in line now.
std::optional<Error> Pool::refusal() const {
    if (closing_) return closing.error;
    if (line_.size() >= waiting_max)
        return Error{ErrorKind::unavailable, "storage.busy", "too many wait for the database"};
    if (hopeless()) return last_failure_;
    return {};
}

Error Pool::too_late() const {
    const bool away = last_failure_ && all_.empty();
    return {ErrorKind::deadline_exceeded, "storage.acquire_timeout",
            away ? last_failure_->detail : "no connection came free in time"};
}

/// The server has been away for longer than a restart takes.
bool Pool::hopeless() const {
    return all_.empty() && away_since_ && loop_.now() - *away_since_ > restart_patience;
}

void Pool::lend(Kept& kept) {
    if (std::exchange(kept.used, true)) ++counts_.total_reused;
    publish();
}

/// One that may be lent now. Those that may not are closed, or asked first.
Pool::KeptPointer Pool::take_idle() {
    while (!idle_.empty()) {
        auto kept = std::move(idle_.back());
        idle_.pop_back();
        if (!kept->connection->open() || kept->old_at <= loop_.now()) {
            discard(kept);
        } else if (loop_.now() - kept->idle_since > config_.unused_max) {
            start(check(std::move(kept)));
            return {};  // it serves the line when it has answered
        } else {
            return kept;
        }
    }
    return {};
}

Task<> Pool::check(KeptPointer kept) {
    Exchange exchange;
    exchange.steps.push_back({ping, &no_parameters});
    exchange.patience = check_patience;
    ++checking_;
    std::ignore = co_await kept->connection->ask(std::move(exchange));
    --checking_;
    take_back(std::move(kept));
}

void Pool::take_back(KeptPointer kept) {
    kept->idle_since = loop_.now();
    if (!kept->connection->open() || closing_) {
        discard(kept);
    } else {
        idle_.push_back(std::move(kept));
    }
    serve_line();
    grow();
    publish();
}

void Pool::discard(const KeptPointer& kept) {
    if (kept->connection->broken()) ++counts_.total_errors;
    kept->connection->end(closing);
    std::erase(all_, kept);
    closer_.wake();
}

/// Who stands in front is served as long as there is a connection for him.
void Pool::serve_line() {
    while (!line_.empty()) {
        auto kept = take_idle();
        if (!kept) return;
        lend(*kept);
        if (!std::holds_alternative<Waiter*>(line_.front())) {
            send_reads(std::move(kept));
            continue;
        }
        auto* waiter = std::get<Waiter*>(line_.front());
        line_.pop_front();
        --waiters_;
        waiter->kept = std::move(kept);
        waiter->wakeup.wake();
    }
}

void Pool::fail_line(const Error& why) {
    auto line = std::exchange(line_, {});
    waiters_ = 0;
    for (auto& place : line) {
        if (auto* read = std::get_if<Read>(&place)) {
            read->give(std::unexpected(why));
        } else {
            auto* waiter = std::get<Waiter*>(place);
            waiter->error = why;
            waiter->wakeup.wake();
        }
    }
}

/// Starts what is missing: `min`, and one for each who waits; reads share.
void Pool::grow() {
    if (closing_) return;
    const auto lent = all_.size() - idle_.size() - checking_;
    const auto shares = (line_.size() - waiters_ + reads_max - 1) / reads_max;
    const auto wanted = std::clamp<std::size_t>(lent + waiters_ + shares,
                                                std::min(config_.min, config_.max), config_.max);
    while (all_.size() + attempts_.size() < wanted && attempts_.size() < attempts_max &&
           loop_.now() >= try_at_)  // an attempt may fail at once
        start(make_one());
}

Task<> Pool::make_one() {
    net::Wakeup attempt(loop_);
    attempts_.push_back(&attempt);
    auto handle = co_await connector_.connect(attempt, closing_);
    std::erase(attempts_, &attempt);
    if (!handle) {
        note_failure(handle.error());
    } else if (!closing_) {
        if (away_since_ && log_)
            log_->info("storage", "the database is back").field("database", connector_.place());
        away_since_.reset();
        last_failure_.reset();
        pause_ = milliseconds{0};
        auto kept = std::make_shared<Kept>();
        kept->connection = std::make_shared<Connection>(loop_, *std::move(handle),
                                                        config_.statement_timeout + check_patience,
                                                        observer_, keeper_);
        kept->old_at = loop_.now() + around(config_.lifetime_max);
        ++counts_.total_created;
        all_.push_back(kept);
        start(Connection::serve(kept->connection));
        take_back(std::move(kept));
    }
    keeper_.wake();
}

void Pool::note_failure(const Error& error) {
    if (closing_) return;
    ++counts_.total_errors;
    if (!away_since_) away_since_ = loop_.now();
    if (log_ && (!last_failure_ || last_failure_->detail != error.detail))
        log_->warning("storage", "no connection to the database; trying again").error(error);
    last_failure_ = error;
    pause_ = std::clamp(pause_ * 2, pause_min, pause_max);
    try_at_ = loop_.now() + around(pause_);
    if (hopeless()) fail_line(error);
    publish();
}

/// Closes who broke, grew old or is not wanted any more.
void Pool::sweep() {
    const auto now = loop_.now();
    auto spare = all_.size() > config_.min ? all_.size() - config_.min : 0;
    std::vector<KeptPointer> gone;
    for (const auto& kept : idle_) {  // the front has been idle longest
        const bool unwanted = spare > 0 && now - kept->idle_since > config_.idle_timeout;
        if (!unwanted && kept->connection->open() && now < kept->old_at) continue;
        if (spare > 0) --spare;
        gone.push_back(kept);
    }
    for (const auto& kept : gone) {
        std::erase(idle_, kept);
        discard(kept);
    }
}

Task<> Pool::keep() {
    while (!closing_) {
        sweep();
        grow();
        publish();
        const auto next = loop_.now() + keeping_interval;
        keeper_.expire_at(try_at_ > loop_.now() ? std::min(try_at_, next) : next);
        co_await keeper_.wait();
    }
}

void Pool::start(Task<> task) { spawn(counted(std::move(task))); }

Task<> Pool::counted(Task<> task) {
    ++tasks_;
    co_await std::move(task);
    --tasks_;
    closer_.wake();
}

Task<> Pool::close(milliseconds patience) {
    closing_ = true;
    keeper_.wake();
    dispatcher_.wake();
    for (auto* attempt : attempts_) attempt->wake();
    fail_line(closing.error);
    while (!idle_.empty()) {
        const auto kept = std::move(idle_.back());
        idle_.pop_back();
        discard(kept);
    }
    closer_.expire_at(loop_.now() + patience);
    while (!all_.empty() && !closer_.expired()) co_await closer_.wait();
    closer_.never_expire();
    const auto left = all_;
    for (const auto& kept : left) kept->connection->close(closing);
    while (tasks_ > 0) co_await closer_.wait();
    publish();
}

void Pool::publish() {
    counts_.idle = idle_.size();
    counts_.active = all_.size() - idle_.size();
    counts_.waiting = line_.size();
    const std::scoped_lock lock(published_mutex_);
    published_ = counts_;
}

PoolStatistics Pool::statistics() const {
    const std::scoped_lock lock(published_mutex_);
    return published_;
}

}  // namespace gh::storage::postgres
