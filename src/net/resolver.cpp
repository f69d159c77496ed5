#include "net/resolver.hpp"

#include <netdb.h>

#include <cstring>
#include <memory>
#include <utility>

#include "base/signal_stack.hpp"
#include "net/answer.hpp"

namespace gh::net {

Result<std::vector<Address>> resolve_now(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* raw = nullptr;
    const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &raw);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
    if (error != 0)
        return fail(ErrorKind::unavailable, "net.resolve", host + ": " + ::gai_strerror(error));
    std::vector<Address> addresses;
    for (const auto* each = raw; each; each = each->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, each->ai_addr, each->ai_addrlen);
        Address address(storage);
        address.set_port(port);
        addresses.push_back(address);
    }
    if (addresses.empty())
        return fail(ErrorKind::unavailable, "net.resolve", host + ": no address");
    return addresses;
}

Resolver::Resolver() : thread_([this](std::stop_token stop) { run(stop); }) {}

Resolver::~Resolver() {
    thread_.request_stop();
    wake_.notify_all();
}

void Resolver::resolve(Loop& loop, std::string host, std::uint16_t port, Answer answer) {
    {
        const std::scoped_lock lock(mutex_);
        questions_.push_back({&loop, std::move(host), port, std::move(answer)});
    }
    wake_.notify_one();
}

void Resolver::run(std::stop_token stop) {
    keep_signal_stack();
    while (!stop.stop_requested()) {
        std::unique_lock lock(mutex_);
        if (!wake_.wait(lock, stop, [this] { return !questions_.empty(); })) return;
        auto question = std::move(questions_.front());
        questions_.pop_front();
        lock.unlock();
        auto result = resolve_now(question.host, question.port);
        question.loop->post([answer = std::move(question.answer),
                             result = std::move(result)]() mutable { answer(std::move(result)); });
    }
}

Task<Result<std::vector<Address>>> look_up(Loop& loop, Resolver& resolver, std::string host,
                                           std::uint16_t port) {
    const net::Answer<Result<std::vector<Address>>> answer(loop);
    resolver.resolve(loop, std::move(host), port, answer.giver());
    co_return co_await answer.wait();
}

}  // namespace gh::net
