#include "outbox/outbox.hpp"

namespace gh::outbox {

Posting::~Posting() {
    for (const auto& notice : taken()) outbox_.ring(notice.recipient);
}

void Posting::tell_committed() {
    for (const auto& notice : taken()) {
        outbox_.committed(notice);
        outbox_.ring(notice.recipient);
    }
}

std::vector<Notice> Posting::taken() {
    const std::scoped_lock lock(posted_->mutex);
    return std::exchange(posted_->notices, {});
}

Task<Result<void>> Posting::nothing() { co_return Result<void>{}; }

Task<Result<void>> Posting::begin(storage::Session& session, Outbox& outbox, First first) {
    if (first) GH_CO_TRY_VOID(co_await first(session));
    co_return co_await outbox.lock(session);
}

Task<Result<void>> Posting::post_all(storage::Session& session, Outbox& outbox,
                                     std::shared_ptr<Posted> posted, std::vector<Notice> notices,
                                     Task<Result<void>> behind) {
    for (const auto& notice : notices) GH_CO_TRY_VOID(co_await outbox.post(session, notice));
    GH_CO_TRY_VOID(co_await std::move(behind));
    const std::scoped_lock lock(posted->mutex);
    posted->notices = std::move(notices);  // run again, the work tells the same again
    co_return Result<void>{};
}

}  // namespace gh::outbox
