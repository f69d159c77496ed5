#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/stream.hpp"
#include "gateway/exchange.hpp"
#include "gateway/waiting_client.hpp"
#include "http/websocket.hpp"
#include "net/stream.hpp"

namespace gh::gateway {

/// Who has opened a WebSocket to a handler of ours. Pings and closing are done here; handlers see messages of text.
class TalkingClient final : public api::Talk {
 public:
    static constexpr std::size_t message_bytes_max = 64 * 1024;
    static constexpr seconds beat_every{15};   ///< a ping
    static constexpr seconds silence_max{45};  ///< then it is taken for gone

    /// Behind a 101 that has been answered.
    explicit TalkingClient(Exchange& exchange);

    /// What came ahead of an end of the client's is heard first.
    [[nodiscard]] bool gone() const override { return over_ || client_.is_over(); }
    [[nodiscard]] net::Wakeup& wakeup() override { return client_.wakeup(); }
    [[nodiscard]] net::Wakeup::Awaiter wait(SteadyTime deadline) override;
    [[nodiscard]] Task<bool> write(std::string_view octets) override;
    [[nodiscard]] std::optional<std::string> heard() override;

    /// Says why it ends, and waits a little for the client to have heard that.
    [[nodiscard]] Task<> end();

 private:
    [[nodiscard]] std::optional<std::string> take(http::websocket::Received received);
    [[nodiscard]] bool read();
    void take_octets(std::string_view octets);
    [[nodiscard]] bool may_speak() const;
    void beat();
    void close(http::websocket::CloseCode code, std::string_view outcome);
    void lose(std::string_view outcome);
    void send_owed();
    [[nodiscard]] Task<bool> sent(SteadyTime deadline);
    [[nodiscard]] Task<bool> heard_farewell(SteadyTime deadline);
    [[nodiscard]] http::websocket::CloseCode why() const;

    Exchange& exchange_;
    WaitingClient client_;
    net::Stream& stream_;
    http::websocket::Reader reader_{message_bytes_max};
    std::string owed_;  ///< control frames: at most one pong, one ping and a close
    SteadyTime heard_at_, beat_at_;
    std::size_t frames_ = 0, reads_ = 0;  ///< since it was last waited for
    bool over_ = false;                   ///< nothing is read any more
    bool lost_ = false;                   ///< nor written
    std::optional<http::websocket::CloseCode> closing_;
};

/// Has a WebSocket answered with 101 where the request asks for one as it must (RFC 6455 §4.2.1) and comes from no page of
/// another origin; refused otherwise.
void begin_talk(Exchange& exchange, std::function<Task<>(api::Talk&)> talk);

/// Has it gone on whose 101 has just left, and ends it.
[[nodiscard]] Task<> talk_on(Exchange& exchange);

}  // namespace gh::gateway
