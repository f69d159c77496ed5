// What happens to a stream, from its first field to its last byte.

#include "http/h2_core.hpp"

#include <algorithm>
#include <utility>

namespace gh::http {
namespace {

using State = H2Stream::State;
using Kind = H2Verdict::Kind;

constexpr std::size_t frame_header_bytes = 9;
constexpr std::uint32_t forced_reset_cost = 10;  // in idle frames
constexpr std::uint32_t data_worth = 2;
constexpr std::uint32_t sent_data_worth = 2;  // a client answers DATA with up to two WINDOW_UPDATE
constexpr std::uint32_t request_worth = 5;

}  // namespace

H2Stream& H2Session::Impl::acquire(StreamId id) {
    if (unused.empty()) {
        streams.push_back(std::make_unique<H2Stream>());
        unused.push_back(streams.back().get());
    }
    auto& stream = *unused.back();
    unused.pop_back();
    stream.id = id;
    return stream;
}

void H2Session::Impl::release(H2Stream& stream) {
    reserved -= stream.reserved;
    stream.clear();
    unused.push_back(&stream);
}

/// Wants to hear no more of the stream, and lets the client know.
void H2Session::Impl::discard(H2Stream& stream, H2Error code) {
    stream.state = State::discarded;
    give_back(stream, stream.body.size());
    stream.body.clear();
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream.id,
                              static_cast<std::uint32_t>(code));
}

void H2Session::Impl::give_back(H2Stream& stream, std::size_t bytes) {
    bytes = std::min(bytes, stream.unconsumed);
    if (bytes == 0) return;
    stream.unconsumed -= bytes;
    nghttp2_session_consume(session, stream.id, bytes);
}

void H2Session::Impl::spend(std::uint32_t units) {
    if (flooded || budget.spend(units)) return;
    flooded = true;
    nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
}

void H2Session::Impl::begin_frame(const nghttp2_frame_hd& frame) {
    switch (frame.type) {
        case NGHTTP2_HEADERS:
        case NGHTTP2_CONTINUATION:  // bounded by options
        case NGHTTP2_RST_STREAM:    // rated by options
        case NGHTTP2_GOAWAY: break;
        default:  // DATA too, until it turns out to carry some
            spend(1);
    }
}

void H2Session::Impl::data_received(const nghttp2_frame& frame) {
    const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame.hd.length > frame.data.padlen || end) budget.earn(data_worth);
}

void H2Session::Impl::end_head(H2Stream& stream, bool end_stream) {
    const auto verdict = stream.head_text.make_request(stream.head, end_stream, head_limits);
    if (verdict.kind == Kind::malformed) return discard(stream, H2Error::protocol_error);
    budget.earn(request_worth);
    if (verdict.kind == Kind::refused) {
        stream.state = State::discarded;
        stream.known = true;
        return handler.on_refused(stream.id, verdict.status, verdict.reason);
    }
    const auto& body = stream.head.body;
    const bool fits = body.length <= limits.stream_window_bytes &&
                      reserved + body.length <= limits.connection_window_bytes / 2;
    // Half of the connection's window stays for others, so that held bodies cannot wait for each
    // other.
    if (!end_stream && body.kind != Framing::chunked && !stream.head.expects_continue && fits) {
        stream.state = State::held;
        stream.reserved = body.length;
        reserved += body.length;
        return;
    }
    tell_request(stream, end_stream);
}

void H2Session::Impl::tell_request(H2Stream& stream, bool end_stream) {
    stream.state = State::open;
    stream.known = true;
    handler.on_request(stream.id, stream.head, end_stream);
}

void H2Session::Impl::take_data(H2Stream& stream, std::string_view bytes) {
    stream.unconsumed += bytes.size();
    if (stream.state == State::discarded) return give_back(stream, bytes.size());
    const bool hold = stream.state == State::held || stream.completes(bytes.size());
    stream.received += bytes.size();
    if (hold)
        stream.body += bytes;
    else
        handler.on_data(stream.id, bytes);
}

void H2Session::Impl::tell_held_body(H2Stream& stream) {
    if (stream.body.empty() || stream.state != State::open) return;
    const std::string body = std::exchange(stream.body, {});
    handler.on_data(stream.id, body);
}

/// The client has said all; nghttp2 compared its length with what was declared.
void H2Session::Impl::end_request(H2Stream& stream) {
    if (stream.state == State::discarded) return;
    const bool short_of =
        stream.head.body.kind == Framing::length && stream.received != stream.head.body.length;
    if (short_of) return discard(stream, H2Error::protocol_error);
    if (stream.state == State::held) {
        reserved -= std::exchange(stream.reserved, 0);
        const bool nothing_more = stream.body.empty() && stream.trailers.size() == 0;
        tell_request(stream, nothing_more);
        if (nothing_more) return;
    }
    tell_held_body(stream);
    if (stream.state == State::open) handler.on_end(stream.id, stream.trailers);
}

void H2Session::Impl::end_trailers(H2Stream& stream) {
    if (stream.state == State::discarded) return;
    const auto verdict = stream.trailer_text.make_trailers(stream.trailers, trailer_limits);
    if (verdict.kind != Kind::sound) return discard(stream, H2Error::protocol_error);
    end_request(stream);
}

void H2Session::Impl::close(StreamId id, std::uint32_t code) {
    auto* stream = find(id);
    if (stream == nullptr) return;
    nghttp2_session_set_stream_user_data(session, id, nullptr);
    // The connection's window must not shrink by what nobody will read any more.
    if (stream->unconsumed > 0) nghttp2_session_consume_connection(session, stream->unconsumed);
    const bool whole = (stream->remote_ended && stream->local_ended) || stream->own_reset;
    if (code == NGHTTP2_NO_ERROR && !whole) code = NGHTTP2_CANCEL;
    if (stream->known) handler.on_close(id, static_cast<H2Error>(code));
    release(*stream);
}

void H2Session::Impl::frame_sent(const nghttp2_frame& frame) {
    const auto type = frame.hd.type;
    if (type == NGHTTP2_GOAWAY && shutdown_announced && !ping_sent) {
        // Behind it, not with it: nghttp2 would send the PING first.
        ping_sent = true;
        nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, nullptr);
    }
    auto* stream = find(frame.hd.stream_id);
    if (type == NGHTTP2_RST_STREAM) {
        // One stream too many is what a client may ask for before it has read our settings.
        const bool eager = frame.rst_stream.error_code == NGHTTP2_REFUSED_STREAM;
        if (stream == nullptr || !stream->own_reset) spend(eager ? 1 : forced_reset_cost);
        return;
    }
    if (type == NGHTTP2_DATA) budget.earn(sent_data_worth);
    if (type != NGHTTP2_DATA && type != NGHTTP2_HEADERS) return;
    if (stream == nullptr || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
    stream->local_ended = true;
    if (stream->remote_ended) return;
    // Answered before the request was complete: the rest is not wanted (RFC 9113 §8.1).
    stream->own_reset = true;
    discard(*stream, H2Error::no_error);
}

/// Has the handler write behind the output, leaving room for the frame's header.
ssize_t H2Session::Impl::read_body(StreamId id, std::size_t length, std::uint32_t& flags) {
    auto* stream = find(id);
    if (stream == nullptr || stream->own_reset) return NGHTTP2_ERR_DEFERRED;
    frame_at = output->size();
    const auto body_at = frame_at + frame_header_bytes;
    output->resize_and_overwrite(body_at + length, [](char*, std::size_t size) { return size; });
    bool eof = false;
    const auto size = std::min(handler.fill(id, {output->data() + body_at, length}, eof), length);
    // With nothing to say, a frame may be left out altogether: ahead of trailers, for one.
    output->resize(size == 0 ? frame_at : body_at + size);
    if (size == 0 && !eof) return NGHTTP2_ERR_DEFERRED;
    flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (eof) flags |= NGHTTP2_DATA_FLAG_EOF;
    if (eof && !stream->response_trailers.empty()) end_with_trailers(*stream, flags);
    return static_cast<ssize_t>(size);
}

void H2Session::Impl::end_with_trailers(H2Stream& stream, std::uint32_t& flags) {
    fields.clear();
    for (const auto& [name, value] : stream.response_trailers)
        fields.push_back(h2_field(name, value));
    if (nghttp2_submit_trailer(session, stream.id, fields.data(), fields.size()) == 0) {
        flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
}

int H2Session::Impl::write_body(const std::uint8_t* frame_header) {
    if (output->size() == frame_at) output->resize(frame_at + frame_header_bytes);  // an empty one
    std::copy_n(frame_header, frame_header_bytes, output->data() + frame_at);
    // One call of nghttp2 would send DATA for as long as there is any.
    return output->size() >= output_full ? NGHTTP2_ERR_PAUSE : 0;
}

}  // namespace gh::http
