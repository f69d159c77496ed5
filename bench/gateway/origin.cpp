// What stands behind every contestant: one thread, HTTP/1.1 with keep-alive, fixed answers from memory.
//
//   gh_bench_origin [--port N] [--serve /path=FILE]... [--silent]
//
// Prints `port N` once it listens. /echo answers with the request head as it came. --silent takes connections and
// requests and never says a word. Ends with its parent.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gh::bench {

namespace {

constexpr std::size_t head_bytes_max = 64 * 1024;
constexpr std::size_t read_bytes = 32 * 1024;

struct Settings {
    std::uint16_t port = 0;
    bool silent = false;
    std::map<std::string, std::string, std::less<>> answers;  ///< path -> whole response
};

std::string response(std::string_view status, std::string_view type, std::string_view body) {
    return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status,
                       type, body.size(), body);
}

class Origin {
 public:
    explicit Origin(Settings settings)
        : settings_(std::move(settings)), poll_(::epoll_create1(EPOLL_CLOEXEC)) {}

    /// @return the port, or nothing when it cannot listen
    std::optional<std::uint16_t> listen();
    [[noreturn]] void run();

 private:
    struct Peer {
        int descriptor = -1;
        std::string input;
        std::string output;
        std::size_t sent = 0;
        bool wants_write = false;
    };

    void accept_all();
    void serve(Peer& peer);
    bool receive(Peer& peer);
    bool answer(Peer& peer);
    bool flush(Peer& peer);
    void drop(Peer& peer);

    Settings settings_;
    int poll_;
    int listener_ = -1;
    std::unordered_map<int, std::unique_ptr<Peer>> peers_;
    std::vector<char> buffer_ = std::vector<char>(read_bytes);
};

std::optional<std::uint16_t> Origin::listen() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(settings_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* name = reinterpret_cast<sockaddr*>(&address);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    bool good = ::bind(listener_, name, size) == 0 && ::listen(listener_, 4096) == 0 &&
                ::getsockname(listener_, name, &size) == 0 &&
                ::epoll_ctl(poll_, EPOLL_CTL_ADD, listener_, &event) == 0;
    return good ? std::optional(ntohs(address.sin_port)) : std::nullopt;
}

void Origin::run() {
    for (;;) {
        std::array<epoll_event, 256> events{};
        int ready = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < ready; i++) {
            auto* peer = static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (peer == nullptr)
                accept_all();
            else
                serve(*peer);
        }
    }
}

void Origin::accept_all() {
    for (;;) {
        int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) return;
        int on = 1;
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto& peer = peers_[descriptor] = std::make_unique<Peer>();
        peer->descriptor = descriptor;
        epoll_event event{.events = EPOLLIN, .data = {.ptr = peer.get()}};
        ::epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor, &event);
    }
}

void Origin::serve(Peer& peer) {
    if (!receive(peer) || !answer(peer) || !flush(peer)) drop(peer);
}

bool Origin::receive(Peer& peer) {
    auto size = ::recv(peer.descriptor, buffer_.data(), buffer_.size(), 0);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    if (size == 0) return false;
    if (!settings_.silent) peer.input.append(buffer_.data(), static_cast<std::size_t>(size));
    return peer.input.size() <= head_bytes_max;
}

/// Every whole head in the input gets its answer. Requests carry no body in this bench.
bool Origin::answer(Peer& peer) {
    for (auto end = peer.input.find("\r\n\r\n"); end != std::string::npos;
         end = peer.input.find("\r\n\r\n")) {
        std::string_view head(peer.input.data(), end + 4);
        auto method_end = head.find(' ');
        auto path_end = head.find(' ', method_end + 1);
        if (path_end == std::string_view::npos) return false;
        auto path = head.substr(method_end + 1, path_end - method_end - 1);
        if (auto found = settings_.answers.find(path); found != settings_.answers.end())
            peer.output += found->second;
        else if (path == "/echo")
            peer.output += response("200 OK", "text/plain", head);
        else
            peer.output += response("404 Not Found", "text/plain", "no such path\n");
        peer.input.erase(0, end + 4);
    }
    return true;
}

bool Origin::flush(Peer& peer) {
    while (peer.sent < peer.output.size()) {
        auto size = ::send(peer.descriptor, peer.output.data() + peer.sent,
                           peer.output.size() - peer.sent, MSG_NOSIGNAL);
        if (size < 0 && errno != EAGAIN) return false;
        if (size < 0) break;
        peer.sent += static_cast<std::size_t>(size);
    }
    bool for_write = peer.sent < peer.output.size();
    if (!for_write) {
        peer.output.clear();
        peer.sent = 0;
    }
    if (for_write == peer.wants_write) return true;
    peer.wants_write = for_write;
    epoll_event event{.events = for_write ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = &peer}};
    return ::epoll_ctl(poll_, EPOLL_CTL_MOD, peer.descriptor, &event) == 0;
}

void Origin::drop(Peer& peer) {
    int descriptor = peer.descriptor;
    ::close(descriptor);
    peers_.erase(descriptor);
}

std::optional<Settings> read_settings(int argc, char** argv) {
    Settings settings;
    for (int i = 1; i < argc; i++) {
        std::string_view name = argv[i];
        if (name == "--silent") {
            settings.silent = true;
            continue;
        }
        if (++i == argc) return std::nullopt;
        std::string_view value = argv[i];
        if (name == "--port") {
            auto end = value.data() + value.size();
            if (std::from_chars(value.data(), end, settings.port).ptr != end) return std::nullopt;
        } else if (auto equals = value.find('='); name == "--serve" && equals != value.npos) {
            std::ifstream file(std::string(value.substr(equals + 1)), std::ios::binary);
            if (!file) return std::nullopt;
            std::string body(std::istreambuf_iterator<char>(file), {});
            settings.answers.emplace(value.substr(0, equals),
                                     response("200 OK", "application/json", body));
        } else {
            return std::nullopt;
        }
    }
    return settings;
}

}  // namespace

int run(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto settings = read_settings(argc, argv);
    if (!settings) {
        fmt::print(stderr,
                   "usage: gh_bench_origin [--port N] [--serve /path=FILE]... [--silent]\n");
        return 2;
    }
    Origin origin(std::move(*settings));
    auto port = origin.listen();
    if (!port) {
        fmt::print(stderr, "origin: cannot listen\n");
        return 1;
    }
    fmt::print("port {}\n", *port);
    std::fflush(stdout);
    origin.run();
}

}  // namespace gh::bench

int main(int argc, char** argv) { return gh::bench::run(argc, argv); }
