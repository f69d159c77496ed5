#pragma once

// What a session keeps of one open stream. Only h2_session.cpp includes this.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "http/h2_head.hpp"
#include "http/h2_session.hpp"

namespace gh::http {

struct H2Stream {
    enum class State : std::uint8_t {
        head,      // its fields are coming
        held,      // sound, but the handler hears of it only when its body is complete
        open,      // the handler knows it
        discarded  // malformed, refused or reset: what still comes is thrown away
    };

    StreamId id = 0;
    State state = State::head;
    bool known = false;      // the handler was told and will be told of the end
    bool responded = false;  // a final head was submitted
    bool own_reset = false;
    bool remote_ended = false;
    bool local_ended = false;

    H2Head head_text;
    RequestHead head;
    H2Head trailer_text;
    Fields trailers;

    std::string body;            // held back: all of it, or the piece that would complete it
    std::uint64_t received = 0;  // of the body
    std::size_t reserved = 0;    // of what the session may hold
    std::size_t unconsumed = 0;  // not yet given back to the windows
    std::vector<std::pair<std::string, std::string>> response_trailers;

    [[nodiscard]] bool completes(std::size_t bytes) const {
        return head.body.kind == Framing::length && received + bytes >= head.body.length;
    }

    /// As new, but for memory worth keeping.
    void clear() {
        constexpr std::size_t kept_bytes_max = 16 * 1024;
        id = 0;
        state = State::head;
        known = responded = own_reset = remote_ended = local_ended = false;
        head_text.clear();
        trailer_text.clear();
        head.fields.clear();
        head.body = {};
        trailers.clear();
        body.clear();
        if (body.capacity() > kept_bytes_max) body = std::string();
        received = 0;
        reserved = unconsumed = 0;
        response_trailers.clear();
    }
};

}  // namespace gh::http
