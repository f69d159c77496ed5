#include "http/h1_connection.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/h1_write.hpp"

namespace gh::http {

using net::IoState;

namespace {

constexpr std::size_t drain_reads_max =
    8;  // of a request body nobody asked for, before the connection is given up

/// One response's head, or a piece with its chunk framing, on its way into the stream; used up before anyone suspends.
std::string& write_scratch() {
    thread_local std::string scratch;
    scratch.clear();
    return scratch;
}

void append_chunk(std::string& out, std::string_view data) {
    if (data.empty()) return;  // an empty chunk would end the body
    std::array<char, chunk_header_bytes_max> header;
    out.append(header.data(), write_chunk_header(header.data(), data.size()));
    out += data;
    out += chunk_end;
}

}  // namespace

H1Connection::H1Connection(net::Stream& stream, const ConnectionFacts& facts, net::Wakeup& wakeup,
                           const ServerLimits& limits)
    : stream_(stream),
      facts_(facts),
      wakeup_(wakeup),
      limits_(limits),
      accepted_(wakeup.loop().now()) {}

Task<> H1Connection::serve(Handler& handler, const bool& draining) {
    while (keep_alive_) {
        const auto head = co_await read_head(draining);
        if (head == HeadState::closed) co_return;
        start_request();
        if (head == HeadState::refused || ++requests_ >= limits_.requests_max || draining)
            keep_alive_ = false;
        co_await handler.handle(*this);
        // A tunnel ends when both sides have ended it; what the kernel still holds for the client is to arrive.
        const bool complete = response_done_ || response_framing_ == Framing::tunnel;
        if (aborted_ || !complete) {
            stream_.reset_on_close();
            co_return;
        }
        co_await finish_sending();
        if (aborted_ || response_framing_ == Framing::tunnel) co_return;
        if (!body_finished()) keep_alive_ = false;
        if (draining) keep_alive_ = false;
        carry_over();
    }
    co_await linger();
}

H1Connection::HeadState H1Connection::refuse(std::uint16_t status, std::string_view reason) {
    unreadable_ = {status, reason};
    Fields fields = std::move(request_.fields);  // for its memory
    fields.clear();
    request_ = RequestHead{.fields = std::move(fields), .keep_alive = false};
    return HeadState::refused;
}

/// Room for at least one more octet of the head.
bool H1Connection::make_room() {
    if (data_ == nullptr) {
        block_ = wakeup_.loop().buffers().take();
        data_ = block_.data();
        capacity_ = net::BufferPool::Lease::size();
    }
    if (begin_ > 0 && end_ == capacity_) {
        std::memmove(data_, data_ + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ < capacity_) return true;
    const auto needed = limits_.head.bytes_max + 1;
    if (capacity_ >= needed) return false;
    auto larger = std::make_unique_for_overwrite<char[]>(needed);
    std::memcpy(larger.get(), data_, end_);
    large_ = std::move(larger);
    data_ = large_.get();
    capacity_ = needed;
    block_ = {};
    return true;
}

Task<H1Connection::HeadState> H1Connection::read_head(const bool& draining) {
    unreadable_ = {};
    scanned_ = 0;
    const auto now = wakeup_.loop().now();
    bool began = begin_ != end_;
    wakeup_.expire_at(now + (began ? limits_.header_timeout : limits_.keep_alive_timeout));
    for (bool fresh = began;;) {
        if (fresh) {
            const auto result = parse_request_head(unparsed(), limits_.head, request_, scanned_);
            if (result.state == HeadResult::State::complete) {
                begin_ += result.bytes;
                co_return HeadState::ready;
            }
            if (result.state == HeadResult::State::refused)
                co_return refuse(result.status, result.reason);
        }
        if (!make_room()) co_return refuse(431, "http.head_too_large");
        const auto io = stream_.read({data_ + end_, capacity_ - end_});
        fresh = io.state == IoState::done;
        end_ += io.bytes;
        if (fresh && !began) {
            began = true;
            wakeup_.expire_at(wakeup_.loop().now() + limits_.header_timeout);
        }
        if (fresh) continue;
        if (io.state != IoState::blocked) co_return HeadState::closed;
        if (wakeup_.expired()) {
            co_return began ? refuse(408, "http.head_timeout") : HeadState::closed;
        }
        if (!began) {  // nothing to keep while idle
            block_ = {};
            large_.reset();
            data_ = nullptr;
            capacity_ = begin_ = end_ = 0;
            if (draining && !promised()) co_return HeadState::closed;
            if (draining) wakeup_.expire_at(accepted_ + limits_.newcomer_timeout);
        }
        co_await wakeup_.wait();
    }
}

/// Accepted a moment ago and not heard yet: the request is on its way, and its client would not send it again.
bool H1Connection::promised() const {
    return requests_ == 0 && wakeup_.loop().now() < accepted_ + limits_.newcomer_timeout;
}

void H1Connection::start_request() {
    keep_alive_ = keep_alive_ && request_.keep_alive;
    continue_pending_ = request_.expects_continue && unreadable_.status == 0;
    responded_ = response_done_ = false;
    response_framing_ = Framing::none;
    body_received_ = body_sent_ = 0;
    body_left_ = request_.body.kind == Framing::length ? request_.body.length : 0;
    body_done_ = request_.body.kind != Framing::chunked && body_left_ == 0;
    body_begin_ = body_end_ = 0;
    chunked_.reset();
}

BodyPiece H1Connection::body() {
    if (body_done_) return {BodyPiece::State::end, {}};
    const auto piece = request_.body.kind == Framing::chunked ? chunked_body() : length_body();
    body_received_ += piece.bytes.size();
    return piece;
}

BodyPiece H1Connection::length_body() {
    std::string_view bytes =
        unparsed().substr(0, std::min<std::uint64_t>(body_left_, end_ - begin_));
    if (!bytes.empty()) {
        begin_ += bytes.size();
    } else {
        // Straight from the loop's scratch and never beyond this body, so that nothing is left over.
        const auto scratch = wakeup_.loop().scratch();
        const auto io =
            stream_.read(scratch.first(std::min<std::uint64_t>(body_left_, scratch.size())));
        if (io.state == IoState::blocked) return {};
        if (io.state != IoState::done) return {BodyPiece::State::closed, {}};
        bytes = {scratch.data(), io.bytes};
    }
    body_left_ -= bytes.size();
    body_done_ = body_left_ == 0;
    continue_pending_ = false;
    return {BodyPiece::State::data, bytes};
}

BodyPiece H1Connection::chunked_body() {
    for (;;) {
        const bool from_head = begin_ != end_ && !body_block_;
        const std::string_view input =
            from_head ? unparsed()
                      : std::string_view(body_block_.data() + body_begin_, body_end_ - body_begin_);
        if (!input.empty()) {
            const auto step = chunked_.next(input);
            (from_head ? begin_ : body_begin_) += step.bytes;
            if (step.state == ChunkedDecoder::State::refused)
                return {BodyPiece::State::malformed, {}};
            body_done_ = step.state == ChunkedDecoder::State::done;
            if (!step.data.empty()) return {BodyPiece::State::data, step.data};
            if (body_done_) return {BodyPiece::State::end, {}};
            continue;
        }
        if (!body_block_) body_block_ = wakeup_.loop().buffers().take();
        const auto io = stream_.read({body_block_.data(), net::BufferPool::Lease::size()});
        if (io.state == IoState::blocked) return {};
        if (io.state != IoState::done) return {BodyPiece::State::closed, {}};
        continue_pending_ = false;
        body_begin_ = 0;
        body_end_ = io.bytes;
    }
}

/// Whether the connection stands at the beginning of the next request. What is left of a body may be skipped over while
/// it is at hand; a client that waits for 100 (Continue) may or may not send it, so nothing can be known then.
bool H1Connection::body_finished() {
    if (continue_pending_ && !body_done_) return false;
    for (std::size_t reads = 0; !body_done_ && reads < drain_reads_max; ++reads) {
        const auto piece = body();
        if (piece.state != BodyPiece::State::data && piece.state != BodyPiece::State::end)
            return false;
    }
    return body_done_;
}

/// What the client pipelined behind a chunked body moves to where the next head is read.
void H1Connection::carry_over() {
    if (!body_block_) return;
    block_ = std::move(body_block_);
    large_.reset();
    data_ = block_.data();
    capacity_ = net::BufferPool::Lease::size();
    begin_ = body_begin_;
    end_ = body_end_;
    body_begin_ = body_end_ = 0;
}

void H1Connection::send_continue() {
    if (!continue_pending_ || responded_) return;
    continue_pending_ = false;
    (void)stream_.write(continue_response);
}

IoState H1Connection::respond(ResponseHead& head, std::string_view body, bool last) {
    responded_ = true;
    if (head.body.kind == Framing::chunked && request_.version == Version::http_1_0) {
        head.body.kind = Framing::until_close;
    }
    response_framing_ = head.body.kind;
    if (response_framing_ == Framing::until_close) keep_alive_ = false;
    if (unreadable_.status != 0 || (continue_pending_ && !body_done_)) keep_alive_ = false;
    head.keep_alive = keep_alive_;

    auto& out = write_scratch();
    append_response_head(out, head, request_.version);
    body_sent_ += body.size();
    response_done_ = last || response_framing_ == Framing::tunnel;  // no message any more
    if (response_framing_ != Framing::chunked) return stream_.write(out, body);
    append_chunk(out, body);
    if (last) out += last_chunk;
    return stream_.write(out);
}

IoState H1Connection::write(std::string_view body, bool last, const Fields* trailers) {
    body_sent_ += body.size();
    response_done_ = last;
    if (response_framing_ != Framing::chunked) {
        return body.empty() ? IoState::done : stream_.write(body);
    }
    auto& out = write_scratch();
    append_chunk(out, body);
    if (last && trailers) append_last_chunk(out, *trailers);
    if (last && !trailers) out += last_chunk;
    return out.empty() ? IoState::done : stream_.write(out);
}

IoState H1Connection::flush() {
    if (aborted_) return IoState::failed;
    return stream_.pending() ? stream_.flush() : IoState::done;
}

bool H1Connection::gone() const { return stream_.peer_closed(); }

void H1Connection::abort() {
    aborted_ = true;
    keep_alive_ = false;
    stream_.reset_on_close();
}

net::Stream* H1Connection::tunnel() { return &stream_; }

std::string_view H1Connection::tunnel_leftover() {
    const auto bytes = unparsed();
    begin_ = end_;
    return bytes;
}

Task<> H1Connection::finish_sending() {
    wakeup_.expire_at(wakeup_.loop().now() + limits_.send_timeout);
    for (;;) {
        const auto state = flush();
        if (state == IoState::done) break;
        if (state == IoState::failed || wakeup_.expired()) {
            abort();
            break;
        }
        co_await wakeup_.wait();
    }
}

/// A connection that closes while the client still sends would reset it, and the client might never read our answer
/// (RFC 9112 §9.6): say that we are done, then take what comes for a short while.
Task<> H1Connection::linger() {
    stream_.finish_writing();
    wakeup_.expire_at(wakeup_.loop().now() + limits_.linger_timeout);
    for (std::size_t taken = 0; taken < limits_.linger_bytes_max && !wakeup_.expired();) {
        const auto io = stream_.read(wakeup_.loop().scratch());
        taken += io.bytes;
        if (io.state == IoState::blocked) {
            co_await wakeup_.wait();
        } else if (io.state != IoState::done) {
            co_return;
        }
    }
}

}  // namespace gh::http
