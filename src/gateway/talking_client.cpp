#include "gateway/talking_client.hpp"

#include <algorithm>
#include <utility>

#include "codec/utf8.hpp"
#include "gateway/worker.hpp"
#include "http/field.hpp"

namespace gh::gateway {

namespace websocket = http::websocket;
using net::IoState;
using websocket::CloseCode;
using websocket::Opcode;

namespace {

constexpr std::size_t reads_at_once = 8;  // then the others have their turn
constexpr std::size_t write_bytes_max = 128 * 1024;
constexpr seconds farewell_max{2};

/// A page of another origin would come with its reader's cookies.
bool is_of_another_origin(const Exchange& exchange) {
    const auto& request = exchange.request();
    if (!request.fields.has(http::FieldId::origin)) return false;
    auto origin = request.fields.value(http::FieldId::origin);
    const std::string_view scheme = exchange.client_encrypted ? "https://" : "http://";
    if (!origin.starts_with(scheme)) return true;
    origin.remove_prefix(scheme.size());
    return origin != request.authority;
}

void ask_for_upgrade(Exchange& exchange, std::string_view detail) {
    exchange.refuse(426, "websocket.wanted", detail);
    exchange.add_field(http::FieldId::upgrade, "Upgrade", "websocket");
    exchange.add_field(http::FieldId::other, "Sec-WebSocket-Version", "13");
}

}  // namespace

void begin_talk(Exchange& exchange, std::function<Task<>(api::Talk&)> talk) {
    const auto& request = exchange.request();
    if (!request.upgrade_websocket || exchange.client->tunnel() == nullptr)
        return ask_for_upgrade(exchange, "Ask for a WebSocket, by HTTP/1.1.");
    const auto* version = request.fields.find("Sec-WebSocket-Version");
    if (version == nullptr || version->value != "13")
        return ask_for_upgrade(exchange, "Sec-WebSocket-Version is 13.");
    const auto* key = request.fields.find("Sec-WebSocket-Key");
    if (key == nullptr || !websocket::is_key(key->value))
        return exchange.refuse(400, "websocket.key", "Sec-WebSocket-Key is 16 octets in base64.");
    if (is_of_another_origin(exchange))
        return exchange.refuse(403, "websocket.origin", "Pages of other origins open none.");
    exchange.response.status = 101;
    exchange.add_field(http::FieldId::upgrade, "Upgrade", "websocket");
    exchange.add_field(http::FieldId::other, "Sec-WebSocket-Accept",
                       exchange.arena.copy(websocket::accept_of(key->value)));
    exchange.talk = std::move(talk);
}

TalkingClient::TalkingClient(Exchange& exchange)
    : exchange_(exchange),
      client_(exchange),
      stream_(*exchange.client->tunnel()),
      heard_at_(exchange.worker->loop.now()),
      beat_at_(heard_at_ + beat_every) {
    take_octets(exchange.client->tunnel_leftover());
}

net::Wakeup::Awaiter TalkingClient::wait(SteadyTime deadline) {
    send_owed();
    return client_.wait(std::min(deadline, beat_at_));
}

void TalkingClient::take_octets(std::string_view octets) {
    if (octets.empty()) return;
    exchange_.tunnelled_up += octets.size();
    heard_at_ = exchange_.worker->loop.now();
    reader_.append(octets);
}

/// @return whether more may be there
bool TalkingClient::read() {
    const auto scratch = exchange_.worker->loop.scratch();
    const auto io = stream_.read(scratch);
    if (io.state == IoState::ended || io.state == IoState::failed) lose();
    if (io.state != IoState::done) return false;
    take_octets({scratch.data(), io.bytes});
    return true;
}

std::optional<std::string> TalkingClient::heard() {
    beat();
    for (std::size_t reads = 0; !over_;) {
        if (auto received = reader_.next()) {
            if (auto text = take(*std::move(received))) return text;
        } else if (const auto fault = reader_.fault()) {
            close(*fault);
        } else if (reads++ == reads_at_once) {
            wakeup().wake();
            break;
        } else if (!read()) {
            break;
        }
    }
    send_owed();
    return {};
}

std::optional<std::string> TalkingClient::take(websocket::Received received) {
    switch (received.opcode) {
        case Opcode::text:
            if (codec::is_utf8(received.payload)) return std::move(received.payload);
            close(CloseCode::invalid_payload);
            break;
        case Opcode::ping:
            // Of several that were not answered yet the last one is (RFC 6455 §5.5.3).
            owed_.clear();
            websocket::append_frame(owed_, Opcode::pong, received.payload);
            break;
        case Opcode::close:
            close(codec::is_utf8(received.payload) ? received.code : CloseCode::invalid_payload);
            break;
        case Opcode::pong: break;
        default: close(CloseCode::unsupported_data);
    }
    return {};
}

void TalkingClient::beat() {
    const auto now = exchange_.worker->loop.now();
    if (now < beat_at_) return;
    beat_at_ = now + beat_every;
    if (now - heard_at_ >= silence_max) return lose();
    if (owed_.empty()) websocket::append_frame(owed_, Opcode::ping, {});
}

void TalkingClient::close(CloseCode code) {
    if (!closing_) closing_ = code;
    over_ = true;
}

void TalkingClient::lose() { over_ = lost_ = true; }

void TalkingClient::send_owed() {
    if (lost_) return;
    if (stream_.pending() && stream_.flush() == IoState::failed) return lose();
    if (stream_.pending() || owed_.empty()) return;
    exchange_.tunnelled_down += owed_.size();
    if (stream_.write(std::exchange(owed_, {})) == IoState::failed) lose();
}

Task<bool> TalkingClient::sent(SteadyTime deadline) {
    for (send_owed(); !lost_ && (stream_.pending() || !owed_.empty()); send_owed()) {
        if (client_.gone() || exchange_.worker->loop.now() >= deadline) co_return false;
        co_await client_.wait(deadline);
    }
    co_return !lost_;
}

Task<bool> TalkingClient::write(std::string_view octets) {
    if (gone()) co_return false;
    std::string frame;
    websocket::append_frame(frame, Opcode::text, octets);
    const auto deadline = exchange_.worker->loop.now() + exchange_.snapshot->limits.send_timeout;
    for (std::string_view rest = frame; !rest.empty();) {
        if (!co_await sent(deadline)) co_return false;
        const auto piece = rest.substr(0, write_bytes_max);
        exchange_.tunnelled_down += piece.size();
        if (stream_.write(piece) == IoState::failed) lose();
        rest.remove_prefix(piece.size());
    }
    co_return co_await sent(deadline);
}

CloseCode TalkingClient::why() const {
    if (closing_) return *closing_;
    const auto& worker = *exchange_.worker;
    if (exchange_.revoked || worker.loop.now() >= exchange_.ends_at)
        return CloseCode::policy_violation;
    return worker.draining ? CloseCode::going_away : CloseCode::normal;
}

/// Until the client has closed, too. What it still sends is read away: a reset would take back what it has not read yet.
Task<bool> TalkingClient::heard_farewell(SteadyTime deadline) {
    auto& wakeup = client_.wakeup();
    wakeup.expire_at(deadline);
    bool said = false;
    for (std::size_t reads = 1; !lost_; ++reads) {
        send_owed();
        if (!lost_ && !said && !stream_.pending()) {
            stream_.finish_writing();
            said = true;
        }
        const auto io = stream_.read(exchange_.worker->loop.scratch());
        if (io.state == IoState::failed) break;
        if (io.state == IoState::ended && said) co_return true;
        if (wakeup.expired()) break;
        if (io.state == IoState::done && reads % reads_at_once != 0) continue;
        if (io.state == IoState::done) wakeup.wake();
        co_await wakeup.wait();
    }
    co_return false;
}

Task<> TalkingClient::end() {
    auto& loop = exchange_.worker->loop;
    const auto code = why();
    over_ = true;
    if (!stream_.pending()) {
        websocket::append_close(
            owed_, code, code == CloseCode::policy_violation ? "the credential has ended" : "");
        send_owed();
    } else {
        lose();  // a message is cut: nothing can be said behind it
    }
    const bool heard = co_await heard_farewell(loop.now() + farewell_max);
    if (exchange_.revoked) {
        exchange_.outcome = outcome::revoked;
    } else if (loop.now() >= exchange_.ends_at) {
        exchange_.outcome = outcome::expired;
    }
    if (!heard) exchange_.client->abort();
}

Task<> talk_on(Exchange& exchange) {
    TalkingClient client(exchange);
    const auto talk = std::exchange(exchange.talk, nullptr);
    co_await talk(client);
    co_await client.end();
}

}  // namespace gh::gateway
