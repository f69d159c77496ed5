#pragma once

// The inside of H2Session, which its .cpp files share. Nobody else sees nghttp2.

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/h2_budget.hpp"
#include "http/h2_head.hpp"
#include "http/h2_session.hpp"
#include "http/h2_stream.hpp"

namespace gh::http {

struct H2Session::Impl {
    Impl(const H2Limits& wanted, H2Handler& told, SteadyTime now);
    ~Impl() { nghttp2_session_del(session); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    static Impl& self(void* user) { return *static_cast<Impl*>(user); }
    static nghttp2_session_callbacks* make_callbacks();
    static void hear_frames(nghttp2_session_callbacks* to);
    static void hear_fields(nghttp2_session_callbacks* to);
    static void hear_ends(nghttp2_session_callbacks* to);
    static nghttp2_option* make_options(const H2Limits& limits);

    H2Stream* find(StreamId id) const {
        return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
    }
    H2Stream& acquire(StreamId id);
    void release(H2Stream& stream);
    void discard(H2Stream& stream, H2Error code);
    void give_back(H2Stream& stream, std::size_t bytes);
    void spend(std::uint32_t units);

    void begin_frame(const nghttp2_frame_hd& frame);
    void data_received(const nghttp2_frame& frame);
    void end_head(H2Stream& stream, bool end_stream);
    void end_trailers(H2Stream& stream);
    void tell_request(H2Stream& stream, bool end_stream);
    void take_data(H2Stream& stream, std::string_view bytes);
    void tell_held_body(H2Stream& stream);
    void end_request(H2Stream& stream);
    void close(StreamId id, std::uint32_t code);
    void frame_sent(const nghttp2_frame& frame);
    ssize_t read_body(StreamId id, std::size_t length, std::uint32_t& flags);
    int write_body(const std::uint8_t* frame_header);
    void end_with_trailers(H2Stream& stream, std::uint32_t& flags);

    H2Limits limits;
    H2HeadLimits head_limits;
    H2HeadLimits trailer_limits;
    H2Handler& handler;
    H2Budget budget;
    nghttp2_session* session = nullptr;
    bool flooded = false;
    bool shutdown_announced = false;
    bool ping_sent = false;
    bool ping_answered = false;

    std::vector<std::unique_ptr<H2Stream>> streams;  // all there ever were at once
    std::vector<H2Stream*> unused;
    std::size_t reserved = 0;  // bytes that held bodies may come to
    std::vector<nghttp2_nv> fields;

    // While pull() runs: DATA frames are written where they will be sent from.
    std::string* output = nullptr;
    std::size_t output_full = 0;  // size at which to stop
    std::size_t frame_at = 0;     // the DATA frame being written
};

/// nghttp2 copies both when the field is submitted, and puts the name to lower case.
[[nodiscard]] inline nghttp2_nv h2_field(std::string_view name, std::string_view value) {
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace gh::http
