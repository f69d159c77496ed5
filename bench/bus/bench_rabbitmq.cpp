// What durable messages cost through RabbitMQ: one connection publishes to quorum queues, with publisher confirms, another takes and
// acknowledges them, as gh_bench_bus does with inboxes. Prints "messages a second, CPU us a message" of a call each, CPU being that
// of this process: what the broker takes is the caller's to measure.
//
//   gh_bench_rabbitmq PORT BATCH SECONDS   a broker on loopback, without TLS, its user guest

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int queues = 8, senders = 64;  // as gh_bench_bus has
constexpr std::uint16_t taken_at_once = 100;

double cpu_microseconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

void must(bool good, const char* what) {
    if (good) return;
    fmt::print(stderr, "RabbitMQ: {}\n", what);
    std::exit(1);
}

bool is_normal(const amqp_rpc_reply_t& reply) { return reply.reply_type == AMQP_RESPONSE_NORMAL; }

amqp_bytes_t bytes_of(const std::string& text) {
    return {text.size(), const_cast<char*>(text.data())};
}

std::string queue(std::uint64_t number) { return fmt::format("bench.{}", number % queues); }

struct Closed {
    void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
};
using Connection = std::unique_ptr<amqp_connection_state_t_, Closed>;

Connection connect(int port) {
    Connection connection(amqp_new_connection());
    auto* socket = amqp_tcp_socket_new(connection.get());
    must(socket && amqp_socket_open(socket, "127.0.0.1", port) == 0, "it does not listen");
    must(is_normal(amqp_login(connection.get(), "/", 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, "guest",
                              "guest")),
         "it lets nobody in");
    amqp_channel_open(connection.get(), 1);
    must(is_normal(amqp_get_rpc_reply(connection.get())), "it opens no channel");
    return connection;
}

void declare(amqp_connection_state_t connection) {
    static std::string type = "x-queue-type", quorum = "quorum";
    for (int i = 0; i < queues; ++i) {
        amqp_table_entry_t kind{};
        kind.key = bytes_of(type);
        kind.value.kind = AMQP_FIELD_KIND_UTF8;
        kind.value.value.bytes = bytes_of(quorum);
        const auto name = queue(static_cast<std::uint64_t>(i));
        amqp_queue_declare(connection, 1, bytes_of(name), 0, 1, 0, 0, {1, &kind});
        must(is_normal(amqp_get_rpc_reply(connection)), "it makes no quorum queue");
    }
}

/// Publishes what so many senders have under way at once, waits for all of it to be confirmed, and so on.
std::uint64_t publish(int port, std::uint64_t batch, Clock::time_point until) {
    const auto connection = connect(port);
    amqp_confirm_select(connection.get(), 1);
    must(is_normal(amqp_get_rpc_reply(connection.get())), "it confirms nothing");
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    const std::string body = R"({"text":")" + std::string(100, 'x') + "\"}";
    std::uint64_t sent = 0;
    std::set<std::uint64_t> open;  // delivery tags, each queue's confirmed by itself
    while (Clock::now() < until) {
        for (std::uint64_t i = 0; i < senders * batch; ++i, ++sent) {
            const auto name = queue(sent);
            open.insert(open.end(), sent + 1);
            must(amqp_basic_publish(connection.get(), 1, amqp_empty_bytes, bytes_of(name), 0, 0,
                                    &properties, bytes_of(body)) == AMQP_STATUS_OK,
                 "it takes nothing");
        }
        while (!open.empty()) {
            amqp_frame_t frame{};
            must(amqp_simple_wait_frame(connection.get(), &frame) == AMQP_STATUS_OK, "it is gone");
            if (frame.frame_type != AMQP_FRAME_METHOD) continue;
            must(frame.payload.method.id == AMQP_BASIC_ACK_METHOD, "it refuses");
            const auto* ack = static_cast<amqp_basic_ack_t*>(frame.payload.method.decoded);
            open.erase(ack->multiple ? open.begin() : open.find(ack->delivery_tag),
                       open.upper_bound(ack->delivery_tag));
            amqp_maybe_release_buffers(connection.get());
        }
    }
    return sent;
}

/// Until `sent` says how many there are, and so many are acknowledged.
std::uint64_t take(int port, const std::atomic<std::uint64_t>& sent,
                   const std::atomic<bool>& over) {
    const auto connection = connect(port);
    amqp_basic_qos(connection.get(), 1, 0, taken_at_once, 0);
    must(is_normal(amqp_get_rpc_reply(connection.get())), "it limits nothing");
    for (int i = 0; i < queues; ++i) {
        const auto name = queue(static_cast<std::uint64_t>(i));
        amqp_basic_consume(connection.get(), 1, bytes_of(name), amqp_empty_bytes, 0, 0, 0,
                           amqp_empty_table);
        must(is_normal(amqp_get_rpc_reply(connection.get())), "it gives nothing");
    }
    std::uint64_t taken = 0, acknowledged = 0, tag = 0;
    while (!over || acknowledged < sent) {
        amqp_envelope_t envelope{};
        timeval patience{.tv_sec = 0, .tv_usec = 2'000};
        const auto reply = amqp_consume_message(connection.get(), &envelope, &patience, 0);
        if (is_normal(reply)) {
            ++taken;
            tag = envelope.delivery_tag;
            amqp_destroy_envelope(&envelope);
            amqp_maybe_release_buffers(connection.get());
        }
        const bool full = taken - acknowledged >= taken_at_once;
        if (taken > acknowledged && (full || !is_normal(reply))) {
            must(amqp_basic_ack(connection.get(), 1, tag, 1) == AMQP_STATUS_OK, "it is gone");
            acknowledged = taken;
        }
    }
    return acknowledged;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        fmt::print(stderr, "usage: gh_bench_rabbitmq PORT BATCH SECONDS\n");
        return 2;
    }
    const int port = static_cast<int>(std::strtol(arguments[1], nullptr, 10));
    const auto batch = std::strtoull(arguments[2], nullptr, 10);
    const auto time = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(std::strtod(arguments[3], nullptr)));
    declare(connect(port).get());
    std::atomic<std::uint64_t> sent{0};
    std::atomic<bool> over{false};
    const auto started = Clock::now();
    const auto cpu = cpu_microseconds();
    std::uint64_t done = 0;
    std::jthread taker([&] { done = take(port, sent, over); });
    sent = publish(port, batch, started + time);
    over = true;
    taker.join();
    const auto took = std::chrono::duration<double>(Clock::now() - started).count();
    const auto messages = static_cast<double>(done);
    fmt::print("{} {:.0f} {:.2f}\n", done, messages / took, (cpu_microseconds() - cpu) / messages);
    return 0;
}
