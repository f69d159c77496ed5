#pragma once

#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/worker.hpp"

// A gateway without a network, so that filters and proxy are tested by calling them.

namespace gh::gateway {

/// A client in memory: a request as the test wrote it, and all that is said back.
class FakeDownstream : public http::Downstream {
 public:
    explicit FakeDownstream(net::Loop& loop) : wakeup_(loop) {
        facts.peer = *net::Address::parse("192.0.2.1", 4711);
        facts.peer_ip = "192.0.2.1";
        facts.listener = "public";
        ask("GET", "/");
        head.authority = "h.example";
    }

    FakeDownstream& ask(std::string_view method, std::string_view target) {
        head.method = http::method_of(method);
        head.method_text = kept_.emplace_back(method);
        head.target = kept_.emplace_back(target);
        return *this;
    }
    FakeDownstream& with(std::string_view name, std::string_view value) {
        head.fields.add(kept_.emplace_back(name), kept_.emplace_back(value));
        return *this;
    }
    /// A body that arrives in these pieces; an empty one is a pause.
    FakeDownstream& send(std::vector<std::string> pieces, bool chunked = false) {
        std::uint64_t size = 0;
        for (const auto& piece : pieces) size += piece.size();
        head.body = {chunked ? http::Framing::chunked : http::Framing::length, chunked ? 0 : size};
        pieces_.assign(pieces.begin(), pieces.end());
        return *this;
    }

    /// One more piece of a body that has paused (body_end: blocked).
    void send_more(std::string piece) {
        pieces_.push_back(std::move(piece));
        wakeup_.wake();
    }
    /// Another request on the same connection.
    void reset() {
        head.fields.clear();
        head.body = {};
        pieces_.clear();
        body_end = http::BodyPiece::State::end;
        answer_fields.clear();
        answer_trailers.clear();
        answer.clear();
        status = 0;
        continues = 0;
        received_ = 0;
        complete = aborted = closes = responded_ = false;
    }

    [[nodiscard]] http::RequestHead& request() override { return head; }
    [[nodiscard]] const http::Unreadable& unreadable() const override { return broken; }
    [[nodiscard]] const http::ConnectionFacts& connection() const override { return facts; }
    [[nodiscard]] net::Wakeup& wakeup() override { return wakeup_; }
    [[nodiscard]] http::BodyPiece body() override {
        if (pieces_.empty()) return {body_end, {}};
        handed_out_ = std::move(pieces_.front());
        pieces_.pop_front();
        received_ += handed_out_.size();
        if (!handed_out_.empty()) return {http::BodyPiece::State::data, handed_out_};
        wakeup_.wake();
        return {};
    }
    [[nodiscard]] const http::Fields& trailers() const override { return request_trailers; }
    void send_continue() override { ++continues; }
    [[nodiscard]] net::IoState respond(http::ResponseHead& response, std::string_view body,
                                       bool last) override {
        responded_ = true;
        status = response.status;
        for (const auto& field : response.fields) {
            answer_fields.emplace_back(field.name, field.value);
        }
        return write(body, last, nullptr);
    }
    [[nodiscard]] net::IoState write(std::string_view body, bool last,
                                     const http::Fields* trailers) override {
        answer += body;
        complete = last;
        if (last && trailers) {
            for (const auto& field : *trailers)
                answer_trailers.emplace_back(field.name, field.value);
        }
        return net::IoState::done;
    }
    [[nodiscard]] net::IoState flush() override { return net::IoState::done; }
    [[nodiscard]] bool responded() const override { return responded_; }
    [[nodiscard]] bool gone() const override { return left; }
    void abort() override { aborted = true; }
    void close_after() override { closes = true; }
    [[nodiscard]] std::uint64_t body_received() const override { return received_; }
    [[nodiscard]] std::uint64_t body_sent() const override { return answer.size(); }
    [[nodiscard]] net::Stream* tunnel() override { return nullptr; }
    [[nodiscard]] std::string_view tunnel_leftover() override { return {}; }

    http::RequestHead head;
    http::Unreadable broken;
    http::ConnectionFacts facts;
    http::Fields request_trailers;
    http::BodyPiece::State body_end = http::BodyPiece::State::end;  ///< behind the last piece
    bool left = false;

    std::uint16_t status = 0;
    std::vector<std::pair<std::string, std::string>> answer_fields, answer_trailers;
    std::string answer;
    bool complete = false, aborted = false, closes = false;
    int continues = 0;

 private:
    net::Wakeup wakeup_;
    std::deque<std::string> kept_;
    std::deque<std::string> pieces_;
    std::string handed_out_;
    std::uint64_t received_ = 0;
    bool responded_ = false;
};

/// Remembers what was logged.
class KeptLines final : public telemetry::LogSink {
 public:
    void append(std::string_view line) noexcept override { text += line; }
    std::string text;
};

/// Knows one token, "good"; of any other it says what the test tells it to.
class FakeAuthenticator final : public access::Authenticator {
 public:
    [[nodiscard]] access::Verdict authenticate(const access::Credentials& credentials,
                                               SystemTime) override {
        ++asked;
        certificate = credentials.certificate;
        seen = credentials;
        if (standing != access::Verdict::Standing::judged)
            return {nullptr, access::Refusal::missing, "storage.connection", standing};
        if (everybody_is_known || credentials.authorization == "Bearer good" ||
            credentials.api_key == "good")
            return {principal, {}, {}};
        if (!credentials.has_authorization && !credentials.has_api_key)
            return {nullptr, access::Refusal::missing, "auth.missing"};
        return {nullptr, access::Refusal::token, "jwt.expired", standing, challenge};
    }

    void wait(const access::Credentials&, access::Waiter& waiter) override { line.join(waiter); }
    access::WaitingLine line;
    access::Verdict::Standing standing = access::Verdict::Standing::judged;
    bool everybody_is_known = false;

    std::shared_ptr<access::Principal> principal = [] {
        access::Principal user;
        user.type = access::PrincipalType::user;
        user.subject = "ada";
        user.roles = {"manager"};
        user.roles_text = "manager";
        user.role = access::Role::manager;
        user.scopes = {"read", "write"};
        return std::make_shared<access::Principal>(user);
    }();
    int asked = 0;
    access::Credentials seen;                                 ///< of the last request
    access::Challenge challenge = access::Challenge::bearer;  ///< of a refusal
    const access::ClientCertificate* certificate = nullptr;   ///< that the last request showed
};

/// One worker with all that it wants, a client, and the exchange between them. `begin()` once the test has said what is
/// different in its world.
struct FakeHouse {
    FakeHouse() {
        snapshot = std::make_shared<Snapshot>();
        snapshot->allowed_hosts = {"h.example"};
        auto& plan = snapshot->listeners.emplace_back();
        plan.config.name = "public";
        plan.config.bind = {.host = "::", .port = 443};
        plan.config.serve = {net::Service::gateway};
        add_route({.path_prefix = "/"});
    }
    ~FakeHouse() { exchange.end(); }
    FakeHouse(const FakeHouse&) = delete;
    FakeHouse& operator=(const FakeHouse&) = delete;

    /// Behind those that are there already; open to anyone.
    Route& add_route(RouteMatch match) {
        auto& route = *snapshot->routes.emplace_back(std::make_unique<Route>());
        for (const auto& method : match.methods)
            route.methods |= 1U << static_cast<unsigned>(http::method_of(method));
        route.config.name = match.path + match.path_prefix;
        route.config.match = std::move(match);
        route.access = access::Access::anyone();
        route.anyone = true;
        route.timeouts = {.connect = seconds(5),
                          .response = seconds(5),
                          .idle = seconds(5),
                          .tunnel_idle = seconds(5),
                          .total = {}};
        listener().routes.push_back(&route);
        return route;
    }
    /// Before those routes: a path of ours, open to anyone.
    Route& add_own(api::Route row) {
        auto& kept = *snapshot->own.emplace_back(std::make_unique<api::Route>(std::move(row)));
        auto own = std::make_unique<Route>();
        auto& route = *own;
        route.methods = 1U << static_cast<unsigned>(http::method_of(kept.method));
        route.config.name = kept.path;
        route.config.match.methods = {kept.method};
        route.config.request_body_max = kept.body_bytes_max;
        route.access = kept.access;
        route.anyone = kept.access.kind() == access::Access::Kind::anyone;
        route.own = &kept;
        if (const auto added = listener().own.add(std::move(own)); !added) std::abort();
        return route;
    }
    Route& add_own(std::string path, api::Handle handle, std::string method = "GET") {
        return add_own(api::Route{.method = std::move(method),
                                  .path = std::move(path),
                                  .access = access::Access::anyone(),
                                  .handle = std::move(handle)});
    }
    /// The first route asks for this.
    void protect(access::Access access) {
        route().access = std::move(access);
        route().anyone = false;
    }
    /// The first route takes so many a minute.
    void limit(RateLimitConfig::By by, std::uint32_t requests, std::string name) {
        const auto id = route().limits.size() + 1;
        route().limits.push_back(
            {by, access::Limit(id, requests, std::chrono::minutes(1)), std::move(name)});
    }
    void trust(std::string_view range) {
        snapshot->trusted_proxies.push_back(*net::parse_address_range(range));
    }
    /// Who knocks from now on.
    void from(std::string_view ip) {
        client.facts.peer = *net::Address::parse(ip, 4711);
        client.facts.peer_ip = ip;
    }
    /// Another request of the same client, unasked and without fields.
    void again() {
        exchange.end();
        client.head.fields.clear();
    }
    [[nodiscard]] ListenerPlan& listener() { return snapshot->listeners.front(); }
    [[nodiscard]] Route& route() { return *snapshot->routes.front(); }

    Exchange& begin() {
        exchange.begin(client, worker, snapshot);
        exchange.route = &route();
        exchange.client_address = client.facts.peer;
        exchange.client_ip = client.facts.peer_ip;
        exchange.path = client.head.target;
        return exchange;
    }
    /// Every value of this name in the response, joined by " | ".
    [[nodiscard]] std::string answered(std::string_view name) const {
        std::string text;
        for (const auto& field : exchange.response.fields) {
            if (!http::equals_ignoring_case(field.name, name)) continue;
            if (!text.empty()) text += " | ";
            text += field.value;
        }
        return text;
    }

    telemetry::Registry registry;
    KeptLines logged;
    telemetry::Log log{logged};
    access::RateLimiter limiter;
    access::ConnectionBudget budget{16, {}};
    Services services{
        limiter,
        budget,
        log,
        nullptr,
        {registry.one_counter("limited_total", "x"), registry.one_counter("refused_total", "x"),
         registry.one_counter("accepted_total", "x"),
         registry.one_counter("turned_away_total", "x"),
         registry.one_counter("given_up_total", "x"), registry.one_gauge("open", "x"),
         registry.one_counter("handshakes_total", "x"), registry.one_counter("retries_total", "x")},
        {}};
    Worker worker{0, services};
    FakeAuthenticator authenticator;
    std::shared_ptr<Snapshot> snapshot;
    FakeDownstream client{worker.loop};
    Exchange exchange;
};

}  // namespace gh::gateway
