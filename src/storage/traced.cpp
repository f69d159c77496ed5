#include "storage/traced.hpp"

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "telemetry/trace.hpp"

namespace gh::storage {
namespace {

using telemetry::Span;
using telemetry::SpanKind;
using telemetry::Trace;

/// A statement as it was seen on the engine's thread.
struct Step {
    Statement statement;
    SteadyTime begins;
    std::chrono::nanoseconds took;
    std::string_view failure;
};

/// Of one transaction. Shared, since who asked may be gone before the work is done; read once it is.
struct Steps {
    static constexpr std::size_t kept_max = 32;  // a trace has no room for many more
    std::vector<Step> kept;

    void add(const Statement& statement, SteadyTime begins, const Error* error) {
        if (kept.size() >= kept_max) return;
        kept.push_back({statement, begins, std::chrono::steady_clock::now() - begins,
                        error ? error->reason : std::string_view()});
    }
};

class TimedSession final : public Session {
 public:
    TimedSession(Session& inner, Steps& steps) : inner_(inner), steps_(steps) {}
    [[nodiscard]] Dialect dialect() const override { return inner_.dialect(); }

    Task<Result<std::uint64_t>> execute_many(const Statement& statement,
                                             std::vector<Parameters> sets) override {
        const auto begins = std::chrono::steady_clock::now();
        auto done = co_await inner_.execute_many(statement, std::move(sets));
        steps_.add(statement, begins, done ? nullptr : &done.error());
        co_return done;
    }
    Task<Result<void>> script(std::string sql) override { return inner_.script(std::move(sql)); }
    Task<Result<Rows>> run(const Statement& statement, Parameters parameters) override {
        const auto begins = std::chrono::steady_clock::now();
        auto done = co_await inner_.run(statement, std::move(parameters));
        steps_.add(statement, begins, done ? nullptr : &done.error());
        co_return done;
    }

 private:
    Session& inner_;
    Steps& steps_;
};

class TracedDatabase final : public Database {
 public:
    explicit TracedDatabase(std::unique_ptr<Database> inner) : inner_(std::move(inner)) {}
    [[nodiscard]] Dialect dialect() const override { return inner_->dialect(); }
    [[nodiscard]] PoolStatistics statistics() const override { return inner_->statistics(); }
    [[nodiscard]] std::string_view engine() const override { return inner_->engine(); }

    Task<Result<void>> run(Mode mode, Work work) override {
        if (Trace::current() == nullptr) return inner_->run(mode, std::move(work));
        return run_timed(mode, std::move(work));
    }
    Task<Result<Rows>> run_one(const Statement& statement, Parameters parameters) override {
        if (Trace::current() == nullptr) return inner_->run_one(statement, std::move(parameters));
        return run_one_timed(statement, std::move(parameters));
    }

 private:
    [[nodiscard]] std::string_view system_name() const {
        return dialect() == Dialect::postgres ? "postgresql" : "sqlite";
    }

    Task<Result<void>> run_timed(Mode mode, Work work) {
        Span span(mode == Mode::write ? "db.write" : "db.read", SpanKind::client);
        span.attribute("db.system.name", system_name());
        auto steps = std::make_shared<Steps>();
        Work timed = [steps, inner = std::move(work)](Session& session) mutable {
            return work_timed(steps, inner, session);
        };
        auto done = co_await inner_->run(mode, std::move(timed));
        if (!done) span.fail(done.error().reason);
        if (auto* trace = Trace::current()) tell(*trace, *steps);
        co_return done;
    }
    static Task<Result<void>> work_timed(std::shared_ptr<Steps> steps, Work& inner,
                                         Session& session) {
        TimedSession timed(session, *steps);
        co_return co_await inner(timed);
    }
    void tell(Trace& trace, const Steps& steps) const {
        for (const auto& each : steps.kept) {
            const std::array<telemetry::Attribute, 2> facts{
                {{"db.system.name", system_name()}, {"db.operation.name", each.statement.kind()}}};
            trace.add(each.statement.name, SpanKind::client, each.begins, each.took, each.failure,
                      facts);
        }
    }

    Task<Result<Rows>> run_one_timed(Statement statement, Parameters parameters) {
        Span span(statement.name, SpanKind::client);
        span.attribute("db.system.name", system_name())
            .attribute("db.operation.name", statement.kind());
        auto rows = co_await inner_->run_one(statement, std::move(parameters));
        if (!rows) span.fail(rows.error().reason);
        co_return rows;
    }

    std::unique_ptr<Database> inner_;
};

}  // namespace

std::unique_ptr<Database> traced(std::unique_ptr<Database> inner) {
    return std::make_unique<TracedDatabase>(std::move(inner));
}

}  // namespace gh::storage
