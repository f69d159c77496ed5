// How a pool serves reads of one statement: those that stand together in line go together.

#include <algorithm>
#include <utility>

#include "storage/postgres/pool.hpp"

namespace gh::storage::postgres {

void Pool::read(Read read) {
    if (auto refused = refusal()) return read.give(std::unexpected(*std::move(refused)));
    if (!std::ranges::all_of(read.parameters, storable))
        return read.give(
            fail(ErrorKind::invalid_argument, "storage.value", "NUL or no UTF-8 in text"));
    line_.emplace_back(std::move(read));
    dispatcher_.wake();
}

/// Once a turn, so that those who came in the same one can share.
Task<> Pool::dispatch() {
    while (!closing_) {
        drop_late_reads();
        serve_line();
        grow();
        publish();
        const auto* first = line_.empty() ? nullptr : std::get_if<Read>(&line_.front());
        if (first != nullptr) {
            dispatcher_.expire_at(first->give_up);
        } else {
            dispatcher_.never_expire();
        }
        co_await dispatcher_.wait();
    }
}

/// Who came first has waited longest.
void Pool::drop_late_reads() {
    while (!line_.empty()) {
        auto* read = std::get_if<Read>(&line_.front());
        if (read == nullptr || read->give_up > loop_.now()) return;
        auto give = std::move(read->give);
        line_.pop_front();
        give(std::unexpected(too_late()));
    }
}

std::size_t Pool::reads_in_front(std::size_t most) const {
    std::size_t count = 0;
    while (count < std::min(most, line_.size()) && std::holds_alternative<Read>(line_[count]))
        ++count;
    return count;
}

/// A fair share of those in front: all connections that are idle get some.
void Pool::send_reads(KeptPointer kept) {
    const auto hands = idle_.size() + 1;
    const auto share = std::min((reads_in_front(reads_max * hands) + hands - 1) / hands, reads_max);
    std::vector<Read> reads;
    reads.reserve(share);
    Exchange exchange;
    exchange.steps.reserve(share);
    for (std::size_t i = 0; i < share; ++i) {
        auto& read = reads.emplace_back(std::get<Read>(std::move(line_.front())));
        line_.pop_front();
        exchange.steps.push_back({read.statement, &read.parameters});
    }
    auto& connection = *kept->connection;
    exchange.done = [this, kept = std::move(kept),
                     reads = std::move(reads)](Outcome outcome) mutable {
        if (outcome.failure && outcome.failure->connection)
            kept->connection->close(*outcome.failure);
        take_back(std::move(kept));
        answer_reads(std::move(reads), std::move(outcome));
    };
    connection.send(std::move(exchange));
}

/// Those behind a failure were not run: they go to the front again, in their order.
void Pool::answer_reads(std::vector<Read> reads, Outcome outcome) {
    const auto answered = std::min(outcome.rows.size(), reads.size());
    for (std::size_t i = 0; i < answered; ++i) reads[i].give(std::move(outcome.rows[i]));
    if (answered == reads.size()) return;
    auto first_left = answered;
    auto& failure = outcome.failure;
    auto& failed = reads[answered];
    const bool helps = failure->remedy != Remedy::none && ++failed.attempts < read_attempts_max;
    if (!helps) {
        failed.give(std::unexpected(failure->error));
        ++first_left;
    }
    for (auto i = reads.size(); i-- > first_left;) {
        if (auto refused = refusal()) {
            reads[i].give(std::unexpected(*std::move(refused)));
            continue;
        }
        reads[i].give_up = loop_.now() + config_.acquire_timeout;
        line_.emplace_front(std::move(reads[i]));
    }
    dispatcher_.wake();
}

}  // namespace gh::storage::postgres
