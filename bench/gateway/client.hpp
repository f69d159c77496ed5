#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tally.hpp"

namespace gh::bench {

/// One client's side of a protocol: requests become bytes, bytes become judged answers.
class Client {
 public:
    virtual ~Client() = default;

    /// Puts a GET into `pending`.
    /// @param token   bearer token; empty: none
    /// @param due_ns  when it ought to be sent: latency counts from here
    virtual void request(std::string_view token, std::int64_t due_ns) = 0;
    /// @return false when the server broke the protocol
    [[nodiscard]] virtual bool receive(std::string_view bytes) = 0;

    [[nodiscard]] std::string_view pending() const {
        return std::string_view(output_).substr(sent_);
    }
    void sent(std::size_t bytes) {
        sent_ += bytes;
        if (sent_ < output_.size()) return;
        output_.clear();
        sent_ = 0;
    }
    [[nodiscard]] unsigned in_flight() const { return in_flight_; }

 protected:
    std::string output_;
    std::size_t sent_ = 0;
    unsigned in_flight_ = 0;
};

[[nodiscard]] std::unique_ptr<Client> make_http1_client(std::string path, Tally& tally);
[[nodiscard]] std::unique_ptr<Client> make_http2_client(std::string path, Tally& tally);

}  // namespace gh::bench
