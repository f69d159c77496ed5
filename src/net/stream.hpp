#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "net/loop.hpp"

namespace gh::net {

enum class IoState : unsigned char {
    done,     // it happened; there may be more
    blocked,  // nothing more now: wait for the wakeup
    ended,    // the peer sends no more
    failed,   // the connection is over
};

struct Io {
    IoState state = IoState::blocked;
    std::size_t bytes = 0;
};

/// A connected byte stream, plain or encrypted. Nothing here waits: who gets `blocked` waits for the wakeup it named.
class Stream {
 public:
    virtual ~Stream() = default;

    /// Reads what is there. `done` comes with at least one byte, every other state with none.
    [[nodiscard]] virtual Io read(std::span<char> into) = 0;

    /// Something may have arrived that nobody has read, be it the end. Without a system call.
    [[nodiscard]] virtual bool has_input() const = 0;

    /// Takes both pieces whole (at most 256 KiB together) and sends what the peer has room for.
    /// Must not be called while pending().
    /// @return done: all is sent; blocked: the rest is kept, flush() when woken; failed
    [[nodiscard]] virtual IoState write(std::string_view first, std::string_view second = {}) = 0;

    /// Sends on what write() kept. Same answers.
    [[nodiscard]] virtual IoState flush() = 0;
    [[nodiscard]] virtual bool pending() const = 0;

    /// Who is woken when reading or writing may go on; nullptr: nobody.
    virtual void notify(Wakeup* wakeup) = 0;

    /// The peer has closed its sending side or the connection is broken. Without a system call.
    [[nodiscard]] virtual bool peer_closed() const = 0;

    /// Says "no more from me" (TLS close_notify, then FIN), as far as that is possible without waiting.
    virtual void finish_writing() = 0;

    /// Makes the coming close a reset, so that the peer cannot take a cut message for a whole one.
    virtual void reset_on_close() = 0;
};

}  // namespace gh::net
