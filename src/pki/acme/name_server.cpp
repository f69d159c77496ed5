#include "pki/acme/name_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "base/file.hpp"
#include "base/id.hpp"
#include "base/try.hpp"
#include "net/dialer.hpp"
#include "net/loop.hpp"

namespace gh::pki::acme {
namespace {

constexpr std::uint16_t usual_port = 53;
constexpr int rounds = 2;
constexpr milliseconds patience{2'000};       // for one server in one round
constexpr milliseconds more_patience{1'500};  // for AAAA of a name that has A
constexpr std::size_t resolv_conf_bytes_max = 64 * 1024;

std::unexpected<Error> no_answer(const std::string& name, std::string_view what) {
    return fail(ErrorKind::invalid_argument, "acme.dns", name + ": " + std::string(what));
}

std::uint16_t new_id() {
    std::array<std::uint8_t, 2> octets{};
    random_bytes(octets);
    return static_cast<std::uint16_t>(octets[0] << 8 | octets[1]);
}

/// @return nothing: it was not heard of by the deadline
Task<std::optional<DnsAnswer>> ask_by_udp(net::Address server, std::string query,
                                          SteadyTime deadline) {
    auto& loop = *net::Loop::current();
    const int fd = ::socket(server.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) co_return std::nullopt;
    net::Descriptor socket(loop, fd);
    net::Wakeup wakeup(loop);
    wakeup.expire_at(deadline);
    socket.notify(&wakeup);
    // Connected: the kernel drops what others send, and chooses the port anew for each question.
    if (::connect(fd, server.raw(), server.length()) != 0 ||
        ::send(fd, query.data(), query.size(), MSG_NOSIGNAL) < 0)
        co_return std::nullopt;
    for (;;) {
        socket.readable = false;
        const auto space = loop.scratch();
        const auto got = ::recv(fd, space.data(), space.size(), 0);
        if (got >= 0) {
            if (auto answer = read_dns_answer({space.data(), static_cast<std::size_t>(got)}, query))
                co_return answer;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) co_return std::nullopt;
        if (wakeup.expired()) co_return std::nullopt;
        if (errno == EAGAIN) co_await wakeup.wait();
    }
}

/// What a connection brings until it has brought a whole answer (RFC 1035 §4.2.2).
Task<std::optional<DnsAnswer>> read_by_tcp(net::Stream& stream, net::Wakeup& wakeup,
                                           std::string query) {
    std::string received;
    for (;;) {
        if (stream.pending() && stream.flush() == net::IoState::failed) co_return std::nullopt;
        const auto space = wakeup.loop().scratch();
        const auto io = stream.read(space);
        if (io.state == net::IoState::done) {
            received.append(space.data(), io.bytes);
            if (received.size() < 2) continue;
            const auto octet = [&](std::size_t i) {
                return static_cast<unsigned char>(received[i]);
            };
            const std::size_t size = std::size_t{octet(0)} << 8 | octet(1);
            if (received.size() < size + 2) continue;
            co_return read_dns_answer(std::string_view(received).substr(2, size), query);
        }
        if (io.state != net::IoState::blocked || wakeup.expired()) co_return std::nullopt;
        co_await wakeup.wait();
    }
}

Task<std::optional<DnsAnswer>> ask_by_tcp(net::Address server, std::string query,
                                          SteadyTime deadline) {
    auto& loop = *net::Loop::current();
    net::Wakeup wakeup(loop);
    wakeup.expire_at(deadline);
    auto dial = net::Dial::start(loop, server, wakeup);
    if (!dial) co_return std::nullopt;
    for (auto state = dial->state(); state != net::IoState::done; state = dial->state()) {
        if (state == net::IoState::failed || wakeup.expired()) co_return std::nullopt;
        co_await wakeup.wait();
    }
    const auto stream = dial->take();
    const std::array<char, 2> size{static_cast<char>(query.size() >> 8),
                                   static_cast<char>(query.size() & 0xff)};
    if (stream->write({size.data(), size.size()}, query) == net::IoState::failed)
        co_return std::nullopt;
    co_return co_await read_by_tcp(*stream, wakeup, std::move(query));
}

Task<std::optional<DnsAnswer>> ask_one(net::Address server, std::string query,
                                       SteadyTime deadline) {
    auto answer = co_await ask_by_udp(server, query, deadline);
    if (answer && answer->kind == DnsAnswer::Kind::truncated)
        answer = co_await ask_by_tcp(server, std::move(query), deadline);
    co_return answer;
}

std::optional<net::Address> address_in(const std::string& octets, RecordType type,
                                       std::uint16_t port) {
    sockaddr_storage raw{};
    if (type == RecordType::a && octets.size() == 4) {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&raw);
        v4->sin_family = AF_INET;
        std::memcpy(&v4->sin_addr, octets.data(), octets.size());
    } else if (type == RecordType::aaaa && octets.size() == 16) {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&raw);
        v6->sin6_family = AF_INET6;
        std::memcpy(&v6->sin6_addr, octets.data(), octets.size());
    } else {
        return {};
    }
    net::Address address(raw);
    address.set_port(port);
    return address;
}

std::string text_in(std::string_view data) {
    std::string text;
    while (!data.empty()) {
        const std::size_t size = static_cast<unsigned char>(data.front());
        text += data.substr(1, size);
        data.remove_prefix(std::min(data.size(), size + 1));
    }
    return text;
}

std::vector<net::Address> configured_servers(const std::string& resolver) {
    if (resolver.empty()) return {};
    const auto colon = resolver.find(':');
    const auto port = colon == std::string::npos
                          ? usual_port
                          : static_cast<std::uint16_t>(std::stoul(resolver.substr(colon + 1)));
    return {net::Address::parse(resolver.substr(0, colon), port).value_or(net::Address())};
}

}  // namespace

NameServer::NameServer(const std::string& resolver) : configured_(configured_servers(resolver)) {}

std::vector<net::Address> NameServer::servers() const {
    if (!configured_.empty()) return configured_;
    std::vector<net::Address> all;
    // Systemd and others make a link of it.
    std::error_code unknown;
    const auto file = std::filesystem::weakly_canonical("/etc/resolv.conf", unknown);
    const auto text = read_file_at(file, resolv_conf_bytes_max).value_or(std::string());
    for (const auto& each : name_servers_in(text)) {
        if (auto address = net::Address::parse(each, usual_port)) all.push_back(*address);
    }
    if (all.empty()) all.push_back(net::Address::parse("127.0.0.1", usual_port).value());
    return all;
}

Task<Result<std::vector<std::string>>> NameServer::ask(std::string name, RecordType type,
                                                       SteadyTime deadline) const {
    const auto& loop = *net::Loop::current();
    const auto all = servers();
    for (std::size_t i = 0; i < rounds * all.size() && loop.now() < deadline; ++i) {
        GH_CO_TRY(auto query, dns_query(new_id(), name, type));
        const auto until = std::min(deadline, loop.now() + patience);
        auto answer = co_await ask_one(all[i % all.size()], std::move(query), until);
        if (!answer || answer->kind == DnsAnswer::Kind::failure) continue;
        if (answer->kind == DnsAnswer::Kind::no_name) co_return no_answer(name, "does not exist");
        co_return std::move(answer->data);
    }
    co_return no_answer(name, "the name server does not answer, or cannot say");
}

Task<Result<std::vector<net::Address>>> NameServer::addresses(std::string name, std::uint16_t port,
                                                              SteadyTime deadline) const {
    const auto& loop = *net::Loop::current();
    std::vector<net::Address> found;
    std::optional<Error> failure;
    for (const auto type : {RecordType::a, RecordType::aaaa}) {
        const auto until =
            found.empty() ? deadline : std::min(deadline, loop.now() + more_patience);
        auto records = co_await ask(name, type, until);
        if (!records) {
            failure = std::move(records).error();
            continue;
        }
        for (const auto& each : *records) {
            if (auto address = address_in(each, type, port)) found.push_back(*address);
        }
    }
    if (!found.empty()) co_return found;
    if (failure) co_return std::unexpected(*std::move(failure));
    co_return no_answer(name, "has no address");
}

Task<Result<std::vector<std::string>>> NameServer::texts(std::string name,
                                                         SteadyTime deadline) const {
    GH_CO_TRY(const auto records, co_await ask(std::move(name), RecordType::txt, deadline));
    std::vector<std::string> found;
    for (const auto& each : records) found.push_back(text_in(each));
    co_return found;
}

}  // namespace gh::pki::acme
