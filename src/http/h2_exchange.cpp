#include "http/h2_exchange.hpp"

#include <algorithm>
#include <cstring>

#include "http/h2_connection.hpp"

namespace gh::http {

using net::IoState;

namespace {

constexpr std::size_t kept_bytes_max = 64 * 1024;  // of a body's buffer, while its stream is open

std::size_t text_size(const RequestHead& head) {
    auto size =
        head.method_text.size() + head.target.size() + head.authority.size() + head.scheme.size();
    for (const auto& field : head.fields) size += field.name.size() + field.value.size();
    return size;
}

}  // namespace

H2Exchange::H2Exchange(H2Connection& connection, StreamId id, const RequestHead& head, bool ended)
    : connection_(connection), id_(id), wakeup_(connection.wakeup_.loop()), request_ended_(ended) {
    text_.reserve(text_size(head));  // the views below must not move
    request_ = head;
    request_.method_text = keep(head.method_text);
    request_.target = keep(head.target);
    request_.authority = keep(head.authority);
    request_.scheme = keep(head.scheme);
    for (auto& field : request_.fields) {
        field.name = keep(field.name);
        field.value = keep(field.value);
    }
    if (ended) request_.body = {};
    continue_pending_ = request_.expects_continue && !ended;
}

H2Exchange::H2Exchange(H2Connection& connection, StreamId id, Unreadable unreadable)
    : connection_(connection),
      id_(id),
      wakeup_(connection.wakeup_.loop()),
      unreadable_(unreadable),
      request_ended_(true) {
    request_.version = Version::http_2;
}

H2Exchange::~H2Exchange() { connection_.held_ -= counted_; }

std::string_view H2Exchange::keep(std::string_view text) {
    const auto at = text_.size();
    text_ += text;
    return std::string_view(text_).substr(at);
}

const ConnectionFacts& H2Exchange::connection() const { return connection_.facts_; }

BodyPiece H2Exchange::body() {
    if (received_.empty()) {
        if (request_ended_) return {BodyPiece::State::end, {}};
        return {closed_ ? BodyPiece::State::closed : BodyPiece::State::blocked, {}};
    }
    handed_out_.swap(received_);
    received_.clear();
    body_received_ += handed_out_.size();
    connection_.session_.consume(id_, handed_out_.size());
    connection_.wakeup_.wake();
    return {BodyPiece::State::data, handed_out_};
}

void H2Exchange::receive(std::string_view bytes) {
    if (settled()) {
        connection_.session_.consume(id_, bytes.size());  // nobody asks for it any more
        return;
    }
    received_ += bytes;
    wakeup_.wake();
}

void H2Exchange::end_request(const Fields& trailers) {
    request_ended_ = true;
    std::size_t size = 0;
    for (const auto& field : trailers) size += field.name.size() + field.value.size();
    trailer_text_.reserve(size);
    for (const auto& field : trailers) {
        const auto at = trailer_text_.size();
        trailer_text_ += field.name;
        trailer_text_ += field.value;
        const std::string_view text = std::string_view(trailer_text_).substr(at);
        trailers_.add(field.id, text.substr(0, field.name.size()), text.substr(field.name.size()));
    }
    wakeup_.wake();
}

void H2Exchange::close() {
    closed_ = true;
    wakeup_.wake();
}

void H2Exchange::send_continue() {
    if (!continue_pending_ || responded_) return;
    continue_pending_ = false;
    connection_.session_.submit_informational(id_, 100);
    connection_.wakeup_.wake();
}

IoState H2Exchange::respond(ResponseHead& head, std::string_view body, bool last) {
    responded_ = true;
    if (closed_) return IoState::failed;
    if (head.body.kind == Framing::length && !head.fields.has(FieldId::content_length)) {
        content_length_ = std::to_string(head.body.length);
        head.fields.add(FieldId::content_length, "content-length", content_length_);
    }
    const bool has_body = !(last && body.empty());
    connection_.session_.submit_response(id_, head, has_body);
    connection_.wakeup_.wake();
    if (!has_body) {
        response_done_ = true;
        return IoState::done;
    }
    return write(body, last, nullptr);
}

IoState H2Exchange::write(std::string_view body, bool last, const Fields* trailers) {
    if (closed_) return IoState::failed;
    body_sent_ += body.size();
    sending_ += body;
    account();
    if (last && trailers && trailers->size() > 0)
        connection_.session_.submit_trailers(id_, *trailers);
    response_done_ = last;
    connection_.session_.resume(id_);
    connection_.wakeup_.wake();
    return flush();
}

std::size_t H2Exchange::room() const { return connection_.room(); }

/// Memory counts, not bytes: what a stream once needed it keeps.
void H2Exchange::account() {
    const auto now = sending_.capacity();
    connection_.held_ += now - counted_;  // may wrap, and back
    counted_ = now;
}

IoState H2Exchange::flush() {
    if (sent_ < sending_.size()) return closed_ ? IoState::failed : IoState::blocked;
    return IoState::done;
}

std::size_t H2Exchange::fill(std::span<char> out, bool& eof) {
    const auto n = std::min(out.size(), sending_.size() - sent_);
    std::memcpy(out.data(), sending_.data() + sent_, n);
    sent_ += n;
    if (sent_ == sending_.size()) {
        sending_.clear();
        if (connection_.room() < kept_bytes_max) {  // many streams: each keeps only what it uses
            std::string().swap(sending_);
            account();
        }
        sent_ = 0;
        eof = response_done_;
        wakeup_.wake();
    }
    return n;
}

void H2Exchange::abort() {
    aborted_ = true;
    if (closed_) return;
    connection_.session_.reset(id_, H2Error::internal_error);
    connection_.wakeup_.wake();
}

}  // namespace gh::http
