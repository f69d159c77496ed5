#include "bus/joint_sender.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "bus/shares.hpp"
#include "net/loop.hpp"
#include "storage/fallback.hpp"

namespace gh::bus {
namespace {

std::size_t bytes_of_all(const std::vector<Draft>& drafts) {
    std::size_t bytes = 0;
    for (const auto& draft : drafts) bytes += static_cast<std::size_t>(bytes_of(draft));
    return bytes;
}

}  // namespace

Task<Result<std::vector<Sent>>> JointSender::send(std::vector<Draft> drafts, SystemTime now) {
    net::Answer<Answered> answer(*net::Loop::current());
    const auto count = drafts.size();
    const auto bytes = bytes_of_all(drafts);
    std::shared_ptr<Joint> begun;
    {
        const std::scoped_lock lock(mutex_);
        if (waiting_ >= GroupWriter::waiting_max)
            co_return fail(ErrorKind::exhausted, "bus.busy", "too many wait for the database");
        ++waiting_;
        const bool fits =
            open_ && open_->drafts + count <= drafts_max && open_->bytes + bytes <= bytes_max;
        if (!fits) open_ = begun = std::make_shared<Joint>();
        open_->parts.push_back({std::move(drafts), answer.giver()});
        open_->drafts += count;
        open_->bytes += bytes;
        open_->now = std::max(open_->now, now);
    }
    if (begun) spawn(write(std::move(begun)));
    co_return co_await answer.wait();
}

void JointSender::close(const std::shared_ptr<Joint>& joint) {
    const std::scoped_lock lock(mutex_);
    if (open_ == joint) open_.reset();
}

Task<JointSender::Answered> JointSender::write_drafts(std::vector<Draft> drafts, SystemTime now) {
    auto body = [drafts = std::move(drafts), limits = limits_, now](storage::Session& session) {
        return bus::send(session, drafts, limits, now);
    };
    co_return co_await writer_.write(std::move(body));
}

Task<> JointSender::write(std::shared_ptr<Joint> joint) {
    // Whoever comes before the transaction begins comes along.
    auto body = [this, joint](storage::Session& session) {
        close(joint);
        std::vector<Draft> drafts;
        drafts.reserve(joint->drafts);
        for (const auto& part : joint->parts)
            std::ranges::copy(part.drafts, std::back_inserter(drafts));
        return bus::send(session, std::move(drafts), limits_, joint->now);
    };
    auto all = co_await writer_.write(std::move(body));
    close(joint);  // where it did not come so far
    // One that the database cannot take spoils it for nobody else.
    const bool apart = !all && joint->parts.size() > 1 && !storage::is_away(all.error());
    auto next = all ? all->begin() : std::vector<Sent>::iterator{};
    for (auto& part : joint->parts) {
        Answered own = std::vector<Sent>{};
        if (apart) {
            own = co_await write_drafts(part.drafts, joint->now);
        } else if (!all) {
            own = std::unexpected(all.error());
        } else {
            const auto end = next + static_cast<std::ptrdiff_t>(part.drafts.size());
            own->assign(std::move_iterator(next), std::move_iterator(end));
            next = end;
        }
        {
            const std::scoped_lock lock(mutex_);
            --waiting_;
        }
        part.give(std::move(own));
    }
}

}  // namespace gh::bus
