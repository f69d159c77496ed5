#include "load.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "clock.hpp"

namespace gh::bench {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr unsigned reopen_max = 10'000;
constexpr int events_max = 256;

std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

std::int64_t own_cpu_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

}  // namespace

Load::Load(Plan plan, Tally& tally)
    : plan_(std::move(plan)),
      tally_(tally),
      poll_(::epoll_create1(EPOLL_CLOEXEC)),
      connections_(plan_.connections),
      buffer_(buffer_bytes) {
    if (plan_.tls) context_ = client_context(plan_.http2 ? "h2" : "http/1.1");
    for (std::size_t i = 0; i < connections_.size(); i++)
        connections_[i].source = 1 + static_cast<int>(i) % plan_.sources;
    if (plan_.rate > 0) step_ns_ = nanoseconds(1 / plan_.rate);
}

Load::~Load() {
    if (poll_ >= 0) ::close(poll_);
}

bool Load::open() {
    return std::ranges::all_of(connections_, [this](auto& one) { return open(one); });
}

bool Load::open(Connection& connection) {
    if (!connection.wire.open(connection.source, plan_.port, context_.get(),
                              plan_.http2 ? "h2" : "http/1.1"))
        return false;
    connection.client =
        plan_.http2 ? make_http2_client(plan_.path, tally_) : make_http1_client(plan_.path, tally_);
    connection.wants_write = false;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    return ::epoll_ctl(poll_, EPOLL_CTL_ADD, connection.wire.descriptor(), &event) == 0;
}

void Load::reopen(Connection& connection) {
    tally_.broken++;
    if (++reopened_ <= reopen_max && open(connection))
        refill(connection);
    else
        connection.client.reset();
}

Report Load::run() {
    auto start = now_ns();
    closed_loop_ = plan_.rate <= 0;
    next_arrival_ns_ = start;
    for (auto& connection : connections_) refill(connection);
    for (auto warm_until = start + nanoseconds(plan_.warm_seconds); now_ns() < warm_until;)
        turn(warm_until);

    auto before = cpu_time(plan_.pids);
    auto client_cpu_ns = own_cpu_ns();
    auto begin = now_ns();
    tally_.measuring = true;
    for (auto until = begin + nanoseconds(plan_.seconds); now_ns() < until;) turn(until);
    tally_.measuring = false;
    auto end = now_ns();
    auto after = cpu_time(plan_.pids);
    return {.seconds = static_cast<double>(end - begin) / 1e9,
            .server = {.ran = after.ran - before.ran, .waited = after.waited - before.waited},
            .client_cpu_ns = own_cpu_ns() - client_cpu_ns};
}

unsigned Load::answer_each_once() {
    for (auto& connection : connections_) {
        auto wanted = tally_.answered + 1;
        request(connection, now_ns());
        auto until = now_ns() + nanoseconds(5);
        while (connection.client && tally_.answered < wanted && now_ns() < until) turn(until);
        if (tally_.answered < wanted) break;
    }
    return static_cast<unsigned>(tally_.answered);
}

unsigned Load::still_open() {
    auto broken = tally_.broken;
    reopened_ = reopen_max;  // who was closed stays closed
    std::array<epoll_event, events_max> events{};
    for (int i = 0; i < 64; i++) {
        int ready = ::epoll_wait(poll_, events.data(), events_max, 0);
        for (int k = 0; k < ready; k++)
            serve(*static_cast<Connection*>(events[static_cast<std::size_t>(k)].data.ptr));
    }
    return plan_.connections - static_cast<unsigned>(tally_.broken - broken);
}

void Load::turn(std::int64_t until_ns) {
    auto now = now_ns();
    if (step_ns_ > 0) {
        arrivals(now);
        // With every connection busy an answer wakes us, not the clock.
        if (next_arrival_ns_ > now) until_ns = std::min(until_ns, next_arrival_ns_);
    }
    auto wait_ns = std::clamp<std::int64_t>(until_ns - now, 0, 20'000'000);
    timespec wait{.tv_sec = 0, .tv_nsec = wait_ns};
    std::array<epoll_event, events_max> events{};
    int ready = ::epoll_pwait2(poll_, events.data(), events_max, &wait, nullptr);
    for (int i = 0; i < ready; i++)
        serve(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
}

void Load::arrivals(std::int64_t now) {
    while (next_arrival_ns_ <= now) {
        auto* connection = free_connection();
        if (connection == nullptr && !plan_.skip_late) return;
        if (connection != nullptr)
            request(*connection, next_arrival_ns_);
        else if (tally_.measuring)
            tally_.skipped++;
        next_arrival_ns_ += step_ns_;
    }
}

Load::Connection* Load::free_connection() {
    for (std::size_t tried = 0; tried < connections_.size(); tried++) {
        auto& connection = connections_[next_connection_++ % connections_.size()];
        if (connection.client && connection.client->in_flight() < plan_.streams) return &connection;
    }
    return nullptr;
}

void Load::serve(Connection& connection) {
    if (!connection.client) return;
    if (!take(connection)) {
        reopen(connection);
        return;
    }
    refill(connection);
}

/// Reads what is there. @return false when the connection is of no more use
bool Load::take(Connection& connection) {
    do {
        std::size_t got = 0;
        auto step = connection.wire.read(buffer_, got);
        if (step == Wire::Step::closed) return false;
        if (step != Wire::Step::moved) return true;
        if (!connection.client->receive({buffer_.data(), got})) return false;
    } while (connection.wire.has_more());
    return true;
}

void Load::refill(Connection& connection) {
    if (closed_loop_)
        while (connection.client->in_flight() < plan_.streams) {
            auto before = connection.client->in_flight();
            request(connection, now_ns());
            if (!connection.client || connection.client->in_flight() <= before) return;
        }
    else
        send(connection);
}

void Load::request(Connection& connection, std::int64_t due_ns) {
    std::string_view token;
    if (!plan_.tokens.empty()) token = plan_.tokens[next_token_++ % plan_.tokens.size()];
    connection.client->request(token, due_ns);
    send(connection);
}

void Load::send(Connection& connection) {
    while (!connection.client->pending().empty()) {
        std::size_t sent = 0;
        auto step = connection.wire.write(connection.client->pending(), sent);
        if (step == Wire::Step::closed) break;  // reading will tell, and reopen
        connection.client->sent(sent);
        if (step != Wire::Step::moved) break;
    }
    watch(connection, !connection.client->pending().empty());
}

void Load::watch(Connection& connection, bool for_write) {
    if (connection.wants_write == for_write) return;
    connection.wants_write = for_write;
    epoll_event event{.events = for_write ? EPOLLIN | EPOLLOUT : EPOLLIN,
                      .data = {.ptr = &connection}};
    ::epoll_ctl(poll_, EPOLL_CTL_MOD, connection.wire.descriptor(), &event);
}

}  // namespace gh::bench
