#include "net/connect.hpp"

#include <utility>

#include "net/dialer.hpp"

namespace gh::net {
namespace {

std::unexpected<Error> too_late() { return fail(ErrorKind::deadline_exceeded, "fetch.timeout"); }

}  // namespace

Task<Result<std::unique_ptr<SocketStream>>> connect(Loop& loop, Wakeup& wakeup, Address address) {
    auto dial = Dial::start(loop, address, wakeup);
    if (!dial) co_return fail(ErrorKind::unavailable, "fetch.connect", dial.error().detail);
    for (;;) {
        const auto state = dial->state();
        if (state == IoState::done) break;
        if (state == IoState::failed) {
            co_return fail_errno(ErrorKind::unavailable, "fetch.connect", address.text(),
                                 dial->error());
        }
        if (wakeup.expired()) co_return too_late();
        co_await wakeup.wait();
    }
    co_return dial->take();
}

Task<Result<std::unique_ptr<TlsStream>>> shake_hands(Loop& loop, Wakeup& wakeup,
                                                     std::unique_ptr<SocketStream> plain,
                                                     SslHandle session) {
    auto stream =
        std::make_unique<TlsStream>(loop, plain->descriptor().release(), std::move(session));
    stream->notify(&wakeup);
    for (;;) {
        const auto state = stream->handshake();
        if (state == IoState::done) break;
        if (state == IoState::failed)
            co_return fail(ErrorKind::unavailable, "fetch.tls", stream->failure());
        if (wakeup.expired()) co_return too_late();
        co_await wakeup.wait();
    }
    co_return stream;
}

}  // namespace gh::net
