#include "bus/group_writer.hpp"

#include "bus/inbox.hpp"
#include "net/loop.hpp"
#include "storage/fallback.hpp"

namespace gh::bus {
namespace {

constexpr std::size_t group_max = 128;

}  // namespace

Task<Result<void>> GroupWriter::run(Work work) {
    net::Answer<Result<void>> answer(*net::Loop::current());
    Waiting waiting{std::move(work), answer.giver()};
    bool first = false;
    {
        const std::scoped_lock lock(mutex_);
        if (waiting_.size() >= waiting_max)
            co_return fail(ErrorKind::exhausted, "bus.busy", "too many wait for the database");
        waiting_.push_back(std::move(waiting));
        first = !std::exchange(writing_, true);
    }
    if (first) spawn(write_waiting());
    co_return co_await answer.wait();
}

std::vector<GroupWriter::Waiting> GroupWriter::next_group() {
    const std::scoped_lock lock(mutex_);
    std::vector<Waiting> group;
    while (!waiting_.empty() && group.size() < group_max) {
        group.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    writing_ = !group.empty();
    return group;
}

Task<Result<void>> GroupWriter::write_group(std::vector<Work> works) {
    auto all = std::make_shared<std::vector<Work>>(std::move(works));
    auto whole = [all](storage::Session& session) -> Task<Result<void>> {
        GH_CO_TRY_VOID(co_await lock(session));
        for (const auto& work : *all) GH_CO_TRY_VOID(co_await work(session));
        co_return Result<void>{};
    };
    co_return co_await database_.write(std::move(whole));
}

Task<> GroupWriter::write_waiting() {
    // Who is ready in this turn, or was just answered, comes along.
    auto& loop = *net::Loop::current();
    co_await net::Sleep(loop, milliseconds(0));
    for (auto group = next_group(); !group.empty(); group = next_group()) {
        std::vector<Work> works;
        for (const auto& each : group) works.push_back(each.work);
        auto done = co_await write_group(std::move(works));
        // One that the database cannot take spoils it for nobody else.
        const bool apart = !done && group.size() > 1 && !storage::is_away(done.error());
        for (auto& each : group) {
            auto own = done;
            if (apart) {
                std::vector<Work> one{each.work};
                own = co_await write_group(std::move(one));
            }
            each.give(std::move(own));
        }
        co_await net::Sleep(loop, milliseconds(0));
    }
}

}  // namespace gh::bus
