#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/group_writer.hpp"
#include "bus/inbox.hpp"
#include "bus/message.hpp"
#include "net/answer.hpp"

namespace gh::bus {

/// What several send while the database is busy with others is sent as one: its way to the server, not its rows, is what a
/// message costs there. From coroutines on any loop.
class JointSender {
 public:
    static constexpr std::size_t drafts_max = 500;  ///< of one transaction
    static constexpr std::size_t bytes_max = 4 * 1024 * 1024;

    /// @param writer  outlives it
    JointSender(GroupWriter& writer, const Limits& limits) : writer_(writer), limits_(limits) {}

    /// As bus::send(), in a transaction under lock().
    /// @return `exhausted` "bus.busy"; errors of the session
    [[nodiscard]] Task<Result<std::vector<Sent>>> send(std::vector<Draft> drafts, SystemTime now);

 private:
    using Answered = Result<std::vector<Sent>>;
    struct Part {
        std::vector<Draft> drafts;
        net::Answer<Answered>::Giver give;
    };
    struct Joint {
        std::vector<Part> parts;
        std::size_t drafts = 0, bytes = 0;
        SystemTime now;
    };
    [[nodiscard]] Task<> write(std::shared_ptr<Joint> joint);
    /// Nobody joins it any more.
    void close(const std::shared_ptr<Joint>& joint);
    [[nodiscard]] Task<Answered> write_drafts(std::vector<Draft> drafts, SystemTime now);

    GroupWriter& writer_;
    const Limits limits_;
    std::mutex mutex_;
    std::shared_ptr<Joint> open_;
    std::size_t waiting_ = 0;
};

}  // namespace gh::bus
