#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/task.hpp"
#include "gateway/exchange.hpp"
#include "http/downstream.hpp"

namespace gh::gateway::proxy {

/// What goes upstream behind the head: the client's body as it comes, or read whole before (request_body: buffer). Counts
/// against the route's limit either way.
class RequestBody {
 public:
    explicit RequestBody(Exchange& exchange);
    ~RequestBody();
    RequestBody(const RequestBody&) = delete;
    RequestBody& operator=(const RequestBody&) = delete;

    enum class Buffered : unsigned char {
        complete,
        too_large,
        malformed,
        client_gone,
        client_slow,
        no_room
    };
    /// Reads the whole body: up to 256 KiB in memory, more in an unlinked file below `directory`.
    [[nodiscard]] Task<Buffered> buffer(std::filesystem::path directory);

    /// As Downstream::body(), from wherever the body is now.
    [[nodiscard]] http::BodyPiece next();
    [[nodiscard]] bool too_large() const { return too_large_; }

    /// How it is framed towards the upstream.
    [[nodiscard]] http::BodyFraming framing() const;
    /// Whether it can be sent again from its beginning: there is none, none was taken yet, or it is buffered.
    [[nodiscard]] bool replayable() const { return buffered_ || taken_ == 0; }
    void rewind() { sent_ = 0; }

 private:
    [[nodiscard]] bool keep(std::string_view bytes, const std::filesystem::path& directory);
    [[nodiscard]] http::BodyPiece replay();

    Exchange& exchange_;
    std::uint64_t limit_;
    std::uint64_t taken_ = 0;  // from the client
    std::uint64_t sent_ = 0;   // of what is buffered
    bool buffered_ = false;
    bool too_large_ = false;
    std::string memory_;
    int file_ = -1;
};

}  // namespace gh::gateway::proxy
