#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/stream.hpp"

namespace gh::net {

/// Sends what the socket takes now.
/// @param sent  how many bytes have left before, and after; the whole of `bytes` unless the socket is full
/// @return false when the connection is over
[[nodiscard]] bool send_some(Descriptor& socket, std::string_view bytes, std::size_t& sent);

/// Makes the coming close a reset.
void reset_on_close(const Descriptor& socket);

/// What the peer had no room for yet, in order. Holds no memory while there is nothing.
class Unsent {
 public:
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    void keep(std::string_view bytes) { bytes_ += bytes; }
    /// @return done: all has left; blocked; failed
    [[nodiscard]] IoState flush(Descriptor& socket);

 private:
    std::string bytes_;
    std::size_t sent_ = 0;
};

}  // namespace gh::net
