// How nghttp2 is set up, and which of our functions answers which of its callbacks.

#include <array>
#include <new>

#include "http/h2_core.hpp"

namespace gh::http {
namespace {

using State = H2Stream::State;

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

H2Session::Impl::Impl(const H2Limits& wanted, H2Handler& told, SteadyTime now)
    : limits(wanted),
      head_limits{wanted.header_bytes_max, wanted.fields_max, wanted.target_bytes_max},
      trailer_limits{wanted.header_bytes_max, wanted.trailers_max, wanted.target_bytes_max},
      handler(told),
      budget(wanted.idle_frames_max, wanted.idle_frames_per_second, now) {
    auto* callbacks = make_callbacks();
    auto* options = make_options(limits);
    const int made = nghttp2_session_server_new2(&session, callbacks, this, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    if (made != 0) throw std::bad_alloc();

    const std::array<nghttp2_settings_entry, 4> settings{{
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
         static_cast<std::uint32_t>(limits.header_bytes_max)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    }};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(
        session, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(limits.connection_window_bytes));
}

nghttp2_option* H2Session::Impl::make_options(const H2Limits& limits) {
    constexpr std::size_t settings_entries_max = 16;
    constexpr std::size_t unanswered_acks_max = 200;
    constexpr std::size_t continuations_max = 8;
    nghttp2_option* options = nullptr;
    if (nghttp2_option_new(&options) != 0) throw std::bad_alloc();
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_settings(options, settings_entries_max);
    nghttp2_option_set_max_outbound_ack(options, unanswered_acks_max);
    nghttp2_option_set_max_continuations(options, continuations_max);
    nghttp2_option_set_stream_reset_rate_limit(options, limits.resets_max,
                                               limits.resets_per_second);
    return options;
}

/// Frames and bodies as they come.
void H2Session::Impl::hear_frames(nghttp2_session_callbacks* to) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(
        to, [](nghttp2_session*, const nghttp2_frame_hd* frame, void* user) {
            self(user).begin_frame(*frame);
            return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        to, [](nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
               std::size_t size, void* user) {
            if (auto* stream = self(user).find(id))
                self(user).take_data(*stream, text_of(bytes, size));
            else
                nghttp2_session_consume_connection(session, size);
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        to, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            auto& impl = self(user);
            if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
                impl.ping_answered = impl.ping_sent;
            const bool headers = frame->hd.type == NGHTTP2_HEADERS;
            if (!headers && frame->hd.type != NGHTTP2_DATA) return 0;
            if (!headers) impl.data_received(*frame);
            auto* stream = impl.find(frame->hd.stream_id);
            if (stream == nullptr) return 0;
            const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
            stream->remote_ended = stream->remote_ended || end;
            if (headers && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
                impl.end_head(*stream, end);
            else if (headers)
                impl.end_trailers(*stream);
            else if (end)
                impl.end_request(*stream);
            return 0;
        });
}

/// Fields as they are decoded.
void H2Session::Impl::hear_fields(nghttp2_session_callbacks* to) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        to, [](nghttp2_session* session, const nghttp2_frame* frame, void* user) {
            if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
            const auto id = frame->hd.stream_id;
            nghttp2_session_set_stream_user_data(session, id, &self(user).acquire(id));
            return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        to, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
               std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
               std::uint8_t, void* user) {
            auto& impl = self(user);
            auto* stream = impl.find(frame->hd.stream_id);
            if (stream == nullptr || stream->state == State::discarded) return 0;
            const bool first = stream->state == State::head;
            auto& head = first ? stream->head_text : stream->trailer_text;
            head.add(text_of(name, name_size), text_of(value, value_size),
                     first ? impl.head_limits : impl.trailer_limits);
            return 0;
        });
    nghttp2_session_callbacks_set_on_invalid_header_callback(
        to, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t*, std::size_t,
               const std::uint8_t*, std::size_t, std::uint8_t, void* user) {
            // nghttp2 would leave the field out and go on.
            if (auto* stream = self(user).find(frame->hd.stream_id)) {
                (stream->state == State::head ? stream->head_text : stream->trailer_text).spoil();
            }
            return 0;
        });
}

/// What goes out, and what has come to its end.
void H2Session::Impl::hear_ends(nghttp2_session_callbacks* to) {
    nghttp2_session_callbacks_set_on_stream_close_callback(
        to, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
            self(user).close(id, code);
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_send_callback(
        to, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            self(user).frame_sent(*frame);
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_not_send_callback(
        to, [](nghttp2_session* session, const nghttp2_frame* frame, int, void*) {
            if (frame->hd.type != NGHTTP2_HEADERS) return 0;
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                      NGHTTP2_INTERNAL_ERROR);
            return 0;
        });
    nghttp2_session_callbacks_set_send_data_callback(
        to, [](nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_header, std::size_t,
               nghttp2_data_source*, void* user) { return self(user).write_body(frame_header); });
}

nghttp2_session_callbacks* H2Session::Impl::make_callbacks() {
    nghttp2_session_callbacks* to = nullptr;
    if (nghttp2_session_callbacks_new(&to) != 0) throw std::bad_alloc();
    hear_frames(to);
    hear_fields(to);
    hear_ends(to);
    return to;
}

}  // namespace gh::http
