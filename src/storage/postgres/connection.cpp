#include "storage/postgres/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <openssl/ssl.h>

#include <charconv>
#include <utility>

#include "storage/postgres/read_result.hpp"

namespace gh::storage::postgres {
namespace {

Failure nonsense(std::string what) {
    return {{ErrorKind::internal, "storage.statement", std::move(what)}, Remedy::none, true};
}

/// What OpenSSL has decrypted and libpq not yet asked for: no descriptor tells of it.
bool decrypted_waiting(PGconn* connection) {
    auto* ssl = static_cast<SSL*>(PQsslStruct(connection, "OpenSSL"));
    return ssl != nullptr && SSL_pending(ssl) > 0;
}

/// Notices go nowhere; that an idle connection will be ended comes as one.
void on_notice(void* doomed, const PGresult* notice) {
    const char* state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    if (state != nullptr && std::string_view(state).starts_with("57P"))
        *static_cast<bool*>(doomed) = true;
}

}  // namespace

void ConnectionCloser::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

Connection::Connection(net::Loop& loop, ConnectionHandle handle, milliseconds patience,
                       Observer& observer, net::Wakeup& watcher)
    : loop_(loop),
      handle_(std::move(handle)),
      patience_(patience),
      observer_(observer),
      watcher_(watcher),
      wakeup_(loop),
      watch_(std::make_unique<net::BorrowedDescriptor>(loop, PQsocket(handle_.get()))),
      heard_at_(loop.now()) {
    PQsetnonblocking(handle_.get(), 1);
    PQenterPipelineMode(handle_.get());
    PQsetNoticeReceiver(handle_.get(), &on_notice, &doomed_);
    watch_->notify(&wakeup_);
    watch_->want(true, false);
}

Connection::~Connection() { watch_.reset(); }

Task<> Connection::serve(std::shared_ptr<Connection> self) {
    while (self->open()) {
        self->look();
        if (self->open()) co_await self->wakeup_.wait();
    }
}

/// After each wake-up: reads, answers, writes.
void Connection::look() {
    const bool readable = std::exchange(watch_->readable, false);
    watch_->writable = false;
    if (readable && !receive()) return close(ended());
    if (handle_) flush();
    if (handle_) take_results();  // libpq may have read while it could not write
    if (handle_ && owes() && wakeup_.expired())
        close({{ErrorKind::deadline_exceeded, "storage.timeout",
                "the server did not answer in time; the connection was given up"},
               Remedy::none,
               true});
}

/// False: the connection is over. What had come before its end has been answered.
bool Connection::receive() {
    bool alive = true;
    do {
        alive = PQconsumeInput(handle_.get()) == 1;
        heard_at_ = loop_.now();
        take_results();
        if (!handle_) return true;  // closed by who was answered
    } while (alive && decrypted_waiting(handle_.get()));
    if (under_way_.empty())
        std::ignore = PQisBusy(handle_.get());  // reads what nobody asked for: notices
    return alive && !doomed_ && PQstatus(handle_.get()) == CONNECTION_OK;
}

void Connection::take_results() {
    while (handle_ && !under_way_.empty() && PQisBusy(handle_.get()) == 0) {
        const ResultHandle result(PQgetResult(handle_.get()));
        if (!result && PQstatus(handle_.get()) != CONNECTION_OK) break;
        take(result.get());
    }
    set_deadline();
}

/// One result of libpq. Null ends those of a statement; an end of its own ends an exchange.
void Connection::take(PGresult* result) {
    auto& first = under_way_.front();
    if (result == nullptr) {
        if (first.at < first.expected.size()) return next();
        if (!first.simple) return close(nonsense("an answer to nothing"));
        PQenterPipelineMode(handle_.get());
        return finish();
    }
    switch (PQresultStatus(result)) {
        case PGRES_PIPELINE_SYNC: return finish();
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY: return take_rows(result, first);
        case PGRES_FATAL_ERROR: return take_failure(result, first);
        case PGRES_PIPELINE_ABORTED: return forget_unprepared(first);
        default:  // COPY: no statement of ours
            return close(nonsense("an answer of another kind"));
    }
}

void Connection::take_rows(PGresult* result, UnderWay& of) {
    if (of.simple || of.at >= of.expected.size() || of.expected[of.at].kind == Answer::prepared)
        return;
    if (of.outcome.failure) return;
    if (is_commit(result)) of.outcome.committed = true;
    auto rows = read_rows(result);
    if (rows) {
        of.outcome.rows.push_back(*std::move(rows));
    } else {
        of.outcome.failure = Failure{std::move(rows).error()};
    }
}

void Connection::take_failure(PGresult* result, UnderWay& of) {
    auto failure = read_failure(result);
    if (!of.simple && of.at < of.expected.size()) {
        const auto& [kind, statement] = of.expected[of.at];
        failure.error.detail = fmt::format("{}: {}", statement.name, failure.error.detail);
        observer_.done(statement, std::chrono::steady_clock::now() - of.since, &failure.error);
        forget_unprepared(of);
    }
    if (!of.outcome.failure) of.outcome.failure = std::move(failure);
}

/// What was to be prepared is not.
void Connection::forget_unprepared(const UnderWay& of) {
    if (of.simple || of.at >= of.expected.size()) return;
    const auto& [kind, statement] = of.expected[of.at];
    if (kind != Answer::prepared) return;
    if (const auto found = prepared_.find(statement.text(Dialect::postgres));
        found != prepared_.end())
        prepared_.erase(found);
}

/// The statement has said all.
void Connection::next() {
    auto& first = under_way_.front();
    const auto& [kind, statement] = first.expected[first.at++];
    if (kind != Answer::rows || first.outcome.failure) return;
    const auto now = std::chrono::steady_clock::now();
    observer_.done(statement, now - first.since, nullptr);
    first.since = now;
}

/// The exchange has been answered. Whoever hears of it may send, and may close this connection.
void Connection::finish() {
    auto done = std::move(under_way_.front().done);
    auto outcome = std::move(under_way_.front().outcome);
    under_way_.pop_front();
    if (!under_way_.empty()) {
        auto& since = under_way_.front().since;
        since = std::max(since, std::chrono::steady_clock::now());
    }
    done(std::move(outcome));
}

void Connection::send(Exchange exchange) {
    UnderWay entry{.patience = exchange.patience.count() ? exchange.patience : patience_,
                   .since = std::chrono::steady_clock::now(),
                   .done = std::move(exchange.done)};
    if (under_way_.empty()) heard_at_ = loop_.now();
    bool sent = handle_ != nullptr;
    if (sent && !exchange.script.empty()) {
        sent = put_script(exchange.script, entry);
    } else if (sent) {
        entry.expected.reserve(exchange.steps.size() * 2);
        for (const auto& step : exchange.steps) sent = sent && put(step, entry);
        sent = sent && PQpipelineSync(handle_.get()) == 1;
    }
    under_way_.push_back(std::move(entry));
    if (!sent) return close(ended());
    flush();
    set_deadline();
    if (PQisBusy(handle_.get()) == 0)
        wakeup_.wake();  // libpq may have read while it could not write
}

bool Connection::put(const Step& step, UnderWay& into) {
    const auto answer = step.begins ? Answer::begun : Answer::rows;
    const auto text = step.statement.text(Dialect::postgres);
    parameters_.set(*step.parameters);
    auto found = prepared_.find(text);
    if (found == prepared_.end()) {
        std::string sql(text);
        if (prepared_.size() >= prepared_max) {
            into.expected.push_back({answer, step.statement});
            return PQsendQueryParams(handle_.get(), sql.c_str(), parameters_.count(), nullptr,
                                     parameters_.values(), parameters_.lengths(),
                                     parameters_.formats(), 0) == 1;
        }
        auto name = fmt::format("s{}", ++names_);
        if (PQsendPrepare(handle_.get(), name.c_str(), sql.c_str(), 0, nullptr) != 1) return false;
        into.expected.push_back({Answer::prepared, step.statement});
        found = prepared_.emplace(std::move(sql), std::move(name)).first;
    }
    into.expected.push_back({answer, step.statement});
    return PQsendQueryPrepared(handle_.get(), found->second.c_str(), parameters_.count(),
                               parameters_.values(), parameters_.lengths(), parameters_.formats(),
                               0) == 1;
}

/// The simple protocol is not to be had in pipeline mode; nothing is under way, so the mode may change.
bool Connection::put_script(const std::string& script, UnderWay& into) {
    into.simple = true;
    return PQexitPipelineMode(handle_.get()) == 1 &&
           PQsendQuery(handle_.get(), script.c_str()) == 1;
}

Task<Outcome> Connection::ask(Exchange exchange) {
    net::Wakeup answered(loop_);
    std::optional<Outcome> outcome;
    exchange.done = [&](Outcome what) {
        outcome = std::move(what);
        answered.wake();
    };
    send(std::move(exchange));
    while (!outcome) co_await answered.wait();
    co_return *std::move(outcome);
}

void Connection::flush() {
    const int state = PQflush(handle_.get());
    // On failure reading tells, after what the server has still said.
    watch_->want(true, state == 1);
}

/// Silence is counted from the last thing heard, or from the sending that ended an idle time.
void Connection::set_deadline() {
    if (!handle_) return;
    if (under_way_.empty()) {
        wakeup_.never_expire();
    } else {
        wakeup_.expire_at(heard_at_ + under_way_.front().patience);
    }
}

Failure Connection::ended() const {
    Report report;
    report.message = handle_ ? PQerrorMessage(handle_.get()) : "";
    if (report.message.empty()) report.message = "the connection has ended";
    return read_report(report);
}

void Connection::close(Failure why) {
    broken_ = broken_ || handle_ != nullptr;
    end(std::move(why));
}

void Connection::end(Failure why) {
    watch_.reset();
    handle_.reset();
    wakeup_.wake();
    watcher_.wake();
    while (!under_way_.empty()) {
        auto& outcome = under_way_.front().outcome;
        outcome.lost = true;
        if (!outcome.failure) outcome.failure = why;
        finish();
    }
}

}  // namespace gh::storage::postgres
