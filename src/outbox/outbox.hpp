#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "base/try.hpp"
#include "storage/database.hpp"

/// How a room tells somebody of a change: the change and what is told of it are one transaction.
namespace gh::outbox {

/// Something for an inbox.
struct Notice {
    std::string recipient;    ///< the id of an agent, or "user:ada"
    std::string type;         ///< "plan.step_ready"
    std::string body = "{}";  ///< a JSON object
    std::string sender = "gatehouse";
    bool is_task = false;  ///< not: a notification
    std::string trace;     ///< a traceparent; empty: none
};

/// Where it is put. Outlives whoever posts.
class Outbox {
 public:
    virtual ~Outbox() = default;
    /// Comes before all else in the transaction, behind audit::Log::lock() where both are wanted.
    [[nodiscard]] virtual Task<Result<void>> lock(storage::Session& session) = 0;
    /// @return `exhausted` "bus.inbox_full", "bus.full"; errors of the session: the whole transaction is undone
    [[nodiscard]] virtual Task<Result<void>> post(storage::Session& session, Notice notice) = 0;
    /// Whoever waits for something in this inbox looks. From any thread; one time too many does no harm.
    virtual void ring(const std::string& recipient) = 0;
    /// Its commit is over: it counts as sent. From any thread.
    virtual void committed(const Notice& notice) = 0;
};

/// What one write tells. Made before the write, and gone when that has returned: whom it told something is woken then.
///
///     outbox::Posting posting(outbox);
///     auto also = posting.also<TaskRow>(say, audit::also<TaskRow>(...));
///     auto done = posting.heed(co_await tasks.add(task, std::move(also)));
class Posting {
 public:
    explicit Posting(Outbox& outbox) : outbox_(outbox) {}
    /// Without heed(), nobody knows whether there was a commit: then it is looked for what there may be.
    ~Posting();
    Posting(const Posting&) = delete;
    Posting& operator=(const Posting&) = delete;

    /// @param say    what to tell, given what was written; nothing: an empty list
    /// @param other  what else belongs to the write; its `before` comes first, its `after` last
    template <class T>
    [[nodiscard]] storage::Also<T> also(std::function<std::vector<Notice>(const T&)> say,
                                        storage::Also<T> other = {}) {
        auto first = other.before;
        return {.before = [&outbox = outbox_, first = std::move(first)](
                              storage::Session& session) { return begin(session, outbox, first); },
                .after =
                    [&outbox = outbox_, posted = posted_, say = std::move(say),
                     last = std::move(other.after)](storage::Session& session, const T& written) {
                        auto behind = last ? last(session, written) : nothing();
                        return post_all(session, outbox, posted, say(written), std::move(behind));
                    }};
    }

    /// What came of the write.
    template <class T>
    [[nodiscard]] Result<T> heed(Result<T> done) {
        if (done) tell_committed();
        return done;
    }

 private:
    struct Posted {  // written on the database's threads
        std::mutex mutex;
        std::vector<Notice> notices;
    };
    using First = std::function<Task<Result<void>>(storage::Session&)>;
    void tell_committed();
    [[nodiscard]] std::vector<Notice> taken();
    [[nodiscard]] static Task<Result<void>> nothing();
    [[nodiscard]] static Task<Result<void>> begin(storage::Session& session, Outbox& outbox,
                                                  First first);
    [[nodiscard]] static Task<Result<void>> post_all(storage::Session& session, Outbox& outbox,
                                                     std::shared_ptr<Posted> posted,
                                                     std::vector<Notice> notices,
                                                     Task<Result<void>> behind);

    Outbox& outbox_;
    std::shared_ptr<Posted> posted_ = std::make_shared<Posted>();
};

}  // namespace gh::outbox
