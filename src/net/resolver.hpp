#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"

namespace gh::net {

/// Turns names into addresses on a thread of its own: the system's resolver blocks, and no worker may.
class Resolver {
 public:
    using Answer = std::move_only_function<void(Result<std::vector<Address>>)>;

    Resolver();
    /// Waits for the look-up under way; those not begun are dropped without an answer.
    ~Resolver();

    /// Looks `host` up and calls `answer` on `loop`. The loop must outlive the resolver.
    /// Answers: both families in the system's order (RFC 6724), `unavailable` "net.resolve" otherwise.
    void resolve(Loop& loop, std::string host, std::uint16_t port, Answer answer);

 private:
    struct Question {
        Loop* loop;
        std::string host;
        std::uint16_t port;
        Answer answer;
    };
    void run(std::stop_token stop);

    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<Question> questions_;
    std::jthread thread_;
};

/// A look-up as a task, for a coroutine on `loop`.
[[nodiscard]] Task<Result<std::vector<Address>>> look_up(Loop& loop, Resolver& resolver,
                                                         std::string host, std::uint16_t port);

/// The look-up itself, on the calling thread.
[[nodiscard]] Result<std::vector<Address>> resolve_now(const std::string& host, std::uint16_t port);

}  // namespace gh::net
