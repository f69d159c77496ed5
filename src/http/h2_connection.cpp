#include "http/h2_connection.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "http/h2_exchange.hpp"

namespace gh::http {

using net::IoState;

namespace {

H2Limits session_limits(const ServerLimits& limits) {
    H2Limits own;
    own.streams_max = limits.streams_max;
    own.header_bytes_max = limits.head.bytes_max;
    own.fields_max = limits.head.fields_max;
    own.target_bytes_max = limits.head.target_bytes_max;
    return own;
}

constexpr std::size_t reads_per_turn_max = 4;
constexpr std::size_t rounds_per_turn_max = 4;  // then the others have their turn
constexpr std::size_t output_bytes_max = 64 * 1024;
constexpr std::size_t piece_bytes_max = net::Loop::scratch_size;

}  // namespace

H2Connection::H2Connection(net::Stream& stream, const ConnectionFacts& facts, net::Wakeup& wakeup,
                           const ServerLimits& limits)
    : stream_(stream),
      facts_(facts),
      wakeup_(wakeup),
      limits_(limits),
      session_(session_limits(limits), *this, wakeup.loop().now()),
      idle_since_(wakeup.loop().now()) {}

H2Connection::~H2Connection() = default;

Task<> H2Connection::serve(Handler& handler, const bool& draining) {
    handler_ = &handler;
    std::exception_ptr trouble;
    try {
        co_await converse(draining);
    } catch (...) {
        trouble = std::current_exception();
    }
    // Whoever still works on a stream hears that its client has left, and is waited for: it looks at us.
    broken_ = true;
    for (auto& [id, stream] : streams_) stream->close();
    wakeup_.never_expire();
    while (!streams_.empty()) co_await wakeup_.wait();
    if (trouble) std::rethrow_exception(trouble);
    stream_.finish_writing();
}

Task<> H2Connection::converse(const bool& draining) {
    set_deadline();
    for (std::size_t rounds = 1;; ++rounds) {
        if ((draining || requests_ >= limits_.requests_max) && ending_ == Ending::none)
            announce_end();
        if (ending_ == Ending::announced &&
            (session_.shutdown_heard() || wakeup_.loop().now() >= final_at_)) {
            ending_ = Ending::final;
            session_.shut_down();
            set_deadline();
        }
        const auto received = receive();
        const auto sent = received == Turn::over ? Turn::over : send();
        if (sent == Turn::over || (session_.finished() && !stream_.pending())) co_return;
        if (received == Turn::moved || sent == Turn::moved) {
            set_deadline();
            if (rounds % rounds_per_turn_max == 0) {
                wakeup_.wake();
                co_await wakeup_.wait();
            }
            continue;
        }
        if (wakeup_.expired()) {
            if (ending_ != Ending::none || stream_.pending()) co_return;
            announce_end();
            continue;
        }
        co_await wakeup_.wait();
    }
}

/// Streams that the client opens before it has heard of it are still served (RFC 9113 §6.8).
void H2Connection::announce_end() {
    ending_ = Ending::announced;
    final_at_ = wakeup_.loop().now() + std::min(limits_.send_timeout, limits_.goaway_timeout);
    session_.announce_shutdown();
    set_deadline();
}

H2Connection::Turn H2Connection::receive() {
    // Not the loop's scratch: exchanges that start within feed() use that.
    const auto block = wakeup_.loop().buffers().take();
    for (std::size_t reads = 0; reads < reads_per_turn_max; ++reads) {
        const auto io = stream_.read({block.data(), net::BufferPool::Lease::size()});
        if (io.state == IoState::blocked) return reads > 0 ? Turn::moved : Turn::idle;
        if (io.state != IoState::done) return Turn::over;
        if (!session_.feed({block.data(), io.bytes}, wakeup_.loop().now())) {
            (void)send();  // the GOAWAY that says why
            return Turn::over;
        }
    }
    return Turn::moved;
}

H2Connection::Turn H2Connection::send() {
    if (stream_.pending()) {
        const auto flushed = stream_.flush();
        if (flushed == IoState::failed) return Turn::over;
        if (flushed == IoState::blocked) return Turn::idle;
    }
    output_.clear();
    if (session_.pull(output_, output_bytes_max) == 0) return Turn::idle;
    const auto written = stream_.write(output_);
    if (output_.capacity() > 2 * output_bytes_max || session_.open_streams() == 0)
        std::string().swap(output_);
    return written == IoState::failed ? Turn::over : Turn::moved;
}

void H2Connection::set_deadline() {
    const auto now = wakeup_.loop().now();
    auto at = SteadyTime::max();
    if (stream_.pending() || (streams_.empty() && ending_ != Ending::none)) {
        at = now + limits_.send_timeout;
    } else if (streams_.empty()) {
        at = idle_since_ + limits_.keep_alive_timeout;  // a PING, or a head in drops, is no request
    }  // otherwise each exchange has its own deadline
    if (ending_ == Ending::announced) at = std::min(at, final_at_);
    wakeup_.expire_at(at);
}

/// How much a stream may add now. Each takes a part of what is left, so there is always something left.
std::size_t H2Connection::room() const {
    const auto left = held_bytes_max - std::min(held_, held_bytes_max);
    return std::clamp(left / 8, piece_bytes_min, piece_bytes_max);
}

H2Exchange* H2Connection::find(StreamId stream) const {
    const auto found = streams_.find(stream);
    return found == streams_.end() ? nullptr : found->second.get();
}

void H2Connection::on_request(StreamId stream, RequestHead& head, bool end_stream) {
    begin(std::make_unique<H2Exchange>(*this, stream, head, end_stream));
}

void H2Connection::on_refused(StreamId stream, std::uint16_t status, std::string_view reason) {
    begin(std::make_unique<H2Exchange>(*this, stream, Unreadable{status, reason}));
}

void H2Connection::begin(std::unique_ptr<H2Exchange> stream) {
    ++requests_;
    auto& exchange = *stream;
    streams_.emplace(exchange.id_, std::move(stream));
    spawn(run(exchange));
}

Task<> H2Connection::run(H2Exchange& stream) {
    co_await handler_->handle(stream);
    const auto id = stream.id_;
    if (!stream.closed_ && !stream.settled()) session_.reset(id, H2Error::internal_error);
    // The answer is complete and the rest of the request is not wanted (RFC 9113 §8.1).
    if (!stream.closed_ && stream.response_done_ && !stream.request_ended_)
        session_.reset(id, H2Error::no_error);
    streams_.erase(id);
    idle_since_ = wakeup_.loop().now();
    if (!broken_) set_deadline();
    wakeup_.wake();
}

void H2Connection::on_data(StreamId stream, std::string_view bytes) {
    if (auto* found = find(stream)) {
        found->receive(bytes);
    } else {
        session_.consume(stream, bytes.size());
    }
}

void H2Connection::on_end(StreamId stream, const Fields& trailers) {
    if (auto* found = find(stream)) found->end_request(trailers);
}

void H2Connection::on_close(StreamId stream, H2Error) {
    if (auto* found = find(stream)) found->close();
}

std::size_t H2Connection::fill(StreamId stream, std::span<char> out, bool& eof) {
    if (auto* found = find(stream)) return found->fill(out, eof);
    eof = true;
    return 0;
}

}  // namespace gh::http
