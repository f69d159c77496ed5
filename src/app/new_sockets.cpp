#include "app/new_sockets.hpp"

#include <unistd.h>

#include "base/try.hpp"
#include "net/listener.hpp"

namespace gh::app {

Result<NewSockets> NewSockets::open(Settings& wanted, const Settings& running,
                                    std::size_t workers) {
    NewSockets opened;
    for (auto& listener : wanted.listeners) {
        const auto* open = running.find_listener(listener.name);
        if (open && open->bind.host == listener.bind.host &&
            (open->bind.port == listener.bind.port || listener.bind.port == 0)) {
            listener.bind = open->bind;
            continue;
        }
        GH_TRY(auto address, net::Address::parse(listener.bind.host, listener.bind.port));
        opened.listeners_.push_back({listener.name, open != nullptr, {}});
        auto& sockets = opened.listeners_.back().sockets;
        for (std::size_t i = 0; i < workers; ++i) {
            GH_TRY(const int fd, net::open_listening_socket(address, i == 0));
            sockets.push_back(fd);
            address = net::local_address(fd);
        }
        listener.bind.port = address.port();
    }
    return opened;
}

NewSockets::~NewSockets() {
    for (const auto& listener : listeners_) {
        for (const int fd : listener.sockets) ::close(fd);
    }
}

void NewSockets::hand_over(std::span<const std::unique_ptr<Crew>> crews) {
    for (const auto& listener : listeners_) {
        for (std::size_t i = 0; i < crews.size(); ++i) {
            auto& crew = *crews[i];
            crew.worker.loop.post(
                [&crew, fd = listener.sockets[i], name = listener.name, moved = listener.moved] {
                    if (moved) crew.server.close_listener(name);
                    crew.server.listen(fd, name);
                });
        }
    }
    listeners_.clear();
}

}  // namespace gh::app
