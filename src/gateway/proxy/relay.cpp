#include "gateway/proxy/relay.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "gateway/proxy/client_fields.hpp"
#include "gateway/proxy/request_head.hpp"
#include "gateway/worker.hpp"
#include "http/h1_head.hpp"
#include "http/hop_by_hop.hpp"

namespace gh::gateway::proxy {

using http::BodyPiece;
using http::Framing;
using net::IoState;

namespace {

constexpr http::HeadLimits answer_limits{.bytes_max = 64 * 1024, .fields_max = 256};
constexpr std::size_t pieces_per_turn_max = 8;  // of a request body, then the answer is looked at
constexpr std::size_t rounds_per_turn_max = 8;  // then the others have their turn

std::string& scratch_text() {
    thread_local std::string text;
    text.clear();
    return text;
}

/// Total time, or the end of the credential or of the certificate, whichever comes first.
SteadyTime end_of(const Exchange& exchange) {
    auto deadline = exchange.ends_at;  // now, where it was revoked
    if (const auto& total = exchange.route->timeouts.total)
        deadline = std::min(deadline, exchange.started + *total);
    return std::min(deadline, credential_end(exchange));
}

}  // namespace

Relay::Relay(Exchange& exchange, Connection& connection, RequestBody& body, bool may_retry)
    : exchange_(exchange),
      up_(connection),
      body_(body),
      client_(*exchange.client),
      wakeup_(exchange.client->wakeup()),
      may_retry_(may_retry),
      request_framing_(body.framing()),
      hiding_(exchange.route->hidden.get()) {
    exchange.ends_at = end_of(exchange);
}

Task<Ended> Relay::run() {
    send_head();
    for (std::size_t rounds = 1;; ++rounds) {
        const auto pushed = push_request();
        const auto pulled = pushed == Step::over ? Step::over : pull_response();
        if (pulled == Step::over) break;
        if (pushed == Step::moved || pulled == Step::moved) {
            moved_ = true;
            if (rounds % rounds_per_turn_max != 0) continue;
            wakeup_
                .wake();  // two fast sides must not keep the others waiting, nor outrun the hard deadline
            co_await wakeup_.wait();
            if (exchange_.worker->loop.now() < exchange_.ends_at) continue;
            ended_ = Ended::expired;
            break;
        }
        if (client_.gone()) {
            ended_ = Ended::client_gone;
            break;
        }
        if (moved_) set_deadline();
        if (wakeup_.expired()) {
            ended_ = what_took_too_long();
            break;
        }
        co_await wakeup_.wait();
    }
    if (ended_ == Ended::tunnelled) co_await tunnel();
    co_return ended_;
}

Relay::Step Relay::end(Ended how) {
    ended_ = how;
    return Step::over;
}

void Relay::send_head() {
    auto& out = scratch_text();
    append_upstream_head(out, exchange_, request_framing_);
    sent_at_ = exchange_.worker->loop.now();
    ++up_.requests;
    std::string_view first;
    if (request_framing_.kind == Framing::none) {
        request_done_ = true;
    } else if (request_framing_.kind == Framing::length && !client_.request().expects_continue) {
        // What has arrived with the head leaves with the head.
        const auto piece = body_.next();
        if (piece.state == BodyPiece::State::data && !body_.too_large()) first = piece.bytes;
        if (piece.state == BodyPiece::State::closed) request_broken_ = true;
    }
    if (body_.too_large()) return;
    if (up_.stream->write(out, first) == IoState::failed) request_broken_ = true;
}

/// Request body, one piece after another, as long as the upstream takes them.
Relay::Step Relay::push_request() {
    if (body_.too_large()) return end(Ended::too_large);
    if (request_broken_) return Step::idle;
    if (up_.stream->pending()) {
        const auto flushed = up_.stream->flush();
        if (flushed == IoState::failed) request_broken_ = true;
        if (flushed != IoState::done) return Step::idle;
    }
    if (request_done_) return Step::idle;
    client_.send_continue();
    for (std::size_t pieces = 0; pieces < pieces_per_turn_max; ++pieces) {
        const auto piece = body_.next();
        if (body_.too_large()) return end(Ended::too_large);
        switch (piece.state) {
            case BodyPiece::State::blocked: return pieces > 0 ? Step::moved : Step::idle;
            case BodyPiece::State::malformed: return end(Ended::client_malformed);
            case BodyPiece::State::closed: return end(Ended::client_gone);
            case BodyPiece::State::end: return finish_request();
            case BodyPiece::State::data:
                if (send_piece(piece.bytes) == Step::idle) return Step::moved;
        }
    }
    return Step::moved;
}

/// @return idle when the upstream takes no more for now
Relay::Step Relay::send_piece(std::string_view bytes) {
    IoState state;
    if (request_framing_.kind == Framing::chunked) {
        auto& out = scratch_text();
        std::array<char, http::chunk_header_bytes_max> header;
        out.append(header.data(), http::write_chunk_header(header.data(), bytes.size()));
        out += bytes;
        out += http::chunk_end;
        state = up_.stream->write(out);
    } else {
        state = up_.stream->write(bytes);
    }
    if (state == IoState::failed) request_broken_ = true;
    return state == IoState::done ? Step::moved : Step::idle;
}

Relay::Step Relay::finish_request() {
    request_done_ = true;
    sent_at_ = exchange_.worker->loop.now();
    if (request_framing_.kind != Framing::chunked) return Step::moved;
    auto& out = scratch_text();
    http::append_last_chunk(out, trailers_that_go_on(exchange_));
    if (up_.stream->write(out) == IoState::failed) request_broken_ = true;
    return Step::moved;
}

/// The answer, as long as the client takes it.
Relay::Step Relay::pull_response() {
    const auto flushed = client_.flush();
    if (flushed == IoState::failed) return end(Ended::client_gone);
    if (flushed == IoState::blocked) return Step::idle;
    const auto all = exchange_.worker->loop.scratch();
    const auto scratch = all.first(std::min(all.size(), client_.room()));
    const auto io = up_.stream->read(scratch);
    switch (io.state) {
        case IoState::blocked: return Step::idle;
        case IoState::ended: return upstream_ended(true);
        case IoState::failed: return upstream_ended(false);
        case IoState::done: break;
    }
    const std::string_view bytes(scratch.data(), io.bytes);
    return head_done_ ? pass_body(bytes) : read_head(bytes);
}

Relay::Step Relay::read_head(std::string_view bytes) {
    auto& answer = exchange_.response;
    if (!partial_.empty()) {
        partial_ += bytes;
        bytes = partial_;
    }
    for (;;) {
        const auto result = http::parse_response_head(bytes, answer_limits,
                                                      client_.request().method, answer, scanned_);
        if (result.state == http::HeadResult::State::refused) return end(Ended::malformed);
        if (result.state == http::HeadResult::State::incomplete) {
            if (bytes.data() != partial_.data()) partial_.assign(bytes);
            answer.fields.clear();  // views of what has moved
            return Step::moved;
        }
        bytes.remove_prefix(result.bytes);
        scanned_ = 0;
        if (answer.status >= 200 || answer.status == 101) break;
        if (bytes.empty()) {  // an interim answer and nothing behind it
            partial_.clear();
            answer.fields.clear();
            return Step::moved;
        }
    }
    return pass_head(bytes);
}

Relay::Step Relay::pass_head(std::string_view rest) {
    auto& answer = exchange_.response;
    head_done_ = true;
    keep_alive_ = answer.keep_alive;
    framing_ = answer.body.kind;
    left_ = answer.body.length;
    exchange_.upstream_duration = exchange_.worker->loop.now() - sent_at_;
    const auto& retried = exchange_.route->upstream->config().retry.on_statuses;
    if (may_retry_ && body_.replayable() &&
        std::ranges::find(retried, answer.status) != retried.end() &&
        exchange_.route->upstream->retries().try_retry(exchange_.worker->loop.now())) {
        return end(Ended::retry_status);  // where the budget is spent, the client gets this answer
    }
    if (framing_ == Framing::tunnel &&
        (!client_.request().upgrade_websocket || client_.tunnel() == nullptr)) {
        return end(Ended::malformed);  // nobody asked for it
    }
    if (!hiding_.may_pass(answer)) return end(Ended::opaque);
    // Upgrade says to the client what it switches to; it stays with a 101.
    const auto upgrade = framing_ == Framing::tunnel ? answer.fields.value(http::FieldId::upgrade)
                                                     : std::string_view{};
    http::remove_hop_by_hop(answer.fields);
    if (!upgrade.empty()) answer.fields.add(http::FieldId::upgrade, "Upgrade", upgrade);
    exchange_.worker->pipeline.on_response(exchange_);
    hiding_.pass(answer, exchange_.arena);

    if (framing_ == Framing::length && left_ > 0)
        answer.fields.remove(http::FieldId::content_length);
    if (framing_ == Framing::until_close) answer.body.kind = Framing::chunked;
    if (framing_ == Framing::none || (framing_ == Framing::length && left_ == 0)) {
        response_done_ = true;
        excess_ = !rest.empty();
        rest = {};
    } else if (framing_ == Framing::length) {
        excess_ = rest.size() > left_;
        rest = rest.substr(0, left_);
        left_ -= rest.size();
        response_done_ = left_ == 0;
    } else if (framing_ == Framing::chunked) {
        rest = decode_chunks(rest);
        if (ended_ == Ended::cut) rest = {};
    }
    rest = hiding_.pass(rest, response_done_);
    const bool plain_end = response_done_ && chunks_.trailers().size() == 0;
    const auto sent = client_.respond(answer, rest, plain_end);
    answer.fields.clear();
    partial_.clear();
    if (sent == IoState::failed) return end(Ended::client_gone);
    if (ended_ == Ended::cut) return Step::over;
    if (framing_ == Framing::tunnel)
        return end(Ended::tunnelled);  // what came behind has gone with the head
    if (response_done_ && !plain_end) (void)client_.write({}, true, &trailers());
    return response_done_ ? Step::over : Step::moved;
}

Relay::Step Relay::pass_body(std::string_view bytes) {
    if (framing_ == Framing::length) {
        excess_ = bytes.size() > left_;
        bytes = bytes.substr(0, left_);
        left_ -= bytes.size();
        response_done_ = left_ == 0;
    } else if (framing_ == Framing::chunked) {
        bytes = decode_chunks(bytes);
        if (ended_ == Ended::cut) return Step::over;
    }
    bytes = hiding_.pass(bytes, response_done_);
    if (bytes.empty() && !response_done_) return Step::moved;
    if (client_.write(bytes, response_done_, &trailers()) == IoState::failed)
        return end(Ended::client_gone);
    return response_done_ ? Step::over : Step::moved;
}

const http::Fields& Relay::trailers() {
    if (!exchange_.route->hidden) return chunks_.trailers();
    trailers_ = chunks_.trailers();
    hiding_.pass(trailers_, exchange_.arena);
    return trailers_;
}

/// Chunks moved together in place, so that however the upstream cut its body, the client gets it in one write.
std::string_view Relay::decode_chunks(std::string_view bytes) {
    char* const first =
        const_cast<char*>(bytes.data());  // the loop's scratch, or partial_: both ours to write
    char* to = first;
    while (!bytes.empty()) {
        const auto step = chunks_.next(bytes);
        bytes.remove_prefix(step.bytes);
        if (!step.data.empty()) {
            if (to != step.data.data()) std::memmove(to, step.data.data(), step.data.size());
            to += step.data.size();
        }
        if (step.state == http::ChunkedDecoder::State::more) continue;
        if (step.state == http::ChunkedDecoder::State::refused) ended_ = Ended::cut;
        response_done_ = step.state == http::ChunkedDecoder::State::done;
        excess_ = !bytes.empty();
        break;
    }
    return {first, static_cast<std::size_t>(to - first)};
}

Relay::Step Relay::upstream_ended(bool cleanly) {
    keep_alive_ = false;
    if (!head_done_) return end(partial_.empty() ? Ended::no_answer : Ended::malformed);
    if (framing_ != Framing::until_close || !cleanly) return end(Ended::cut);
    response_done_ = true;
    if (client_.write(hiding_.pass({}, true), true, nullptr) == IoState::failed)
        return end(Ended::client_gone);
    return Step::over;
}

bool Relay::reusable() const {
    return response_done_ && ended_ == Ended::complete && keep_alive_ && request_done_ &&
           !request_broken_ && !excess_ && !up_.stream->pending();
}

/// How long the side we wait for may take. Set when something moved, not with every byte.
void Relay::set_deadline() {
    moved_ = false;
    const auto now = exchange_.worker->loop.now();
    const auto& timeouts = exchange_.route->timeouts;
    const auto& limits = exchange_.snapshot->limits;
    auto patience = timeouts.idle;
    if (head_done_) {
        if (client_.flush() == IoState::blocked) patience = limits.send_timeout;
    } else if (request_done_ || request_broken_) {
        // Once: neither interim answers nor a head in drops may put it off for ever.
        if (answer_deadline_ == SteadyTime::max()) answer_deadline_ = now + timeouts.response;
        wakeup_.expire_at(std::min(answer_deadline_, exchange_.ends_at));
        return;
    } else if (!up_.stream->pending()) {
        patience = limits.body_idle_timeout;
    }
    wakeup_.expire_at(std::min(now + patience, exchange_.ends_at));
}

Ended Relay::what_took_too_long() const {
    if (exchange_.worker->loop.now() >= exchange_.ends_at) return Ended::expired;
    if (head_done_) return client_.flush() == IoState::blocked ? Ended::client_slow : Ended::cut;
    if (!request_done_ && !request_broken_ && !up_.stream->pending()) return Ended::client_slow;
    return Ended::timeout;
}

}  // namespace gh::gateway::proxy
