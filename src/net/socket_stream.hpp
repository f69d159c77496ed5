#pragma once

#include "net/socket_io.hpp"
#include "net/stream.hpp"

namespace gh::net {

/// A connected TCP socket as it is.
class SocketStream final : public Stream {
 public:
    SocketStream(Loop& loop, int fd) : descriptor_(loop, fd) {}

    [[nodiscard]] Io read(std::span<char> into) override;
    [[nodiscard]] bool has_input() const override { return descriptor_.readable; }
    [[nodiscard]] IoState write(std::string_view first, std::string_view second = {}) override;
    [[nodiscard]] IoState flush() override { return unsent_.flush(descriptor_); }
    [[nodiscard]] bool pending() const override { return !unsent_.empty(); }
    void notify(Wakeup* wakeup) override { descriptor_.notify(wakeup); }
    [[nodiscard]] bool peer_closed() const override {
        return descriptor_.hangup || descriptor_.error;
    }
    void finish_writing() override;
    void reset_on_close() override { net::reset_on_close(descriptor_); }

    [[nodiscard]] Descriptor& descriptor() { return descriptor_; }

 private:
    Descriptor descriptor_;
    Unsent unsent_;
};

}  // namespace gh::net
