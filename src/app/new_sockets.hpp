#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/house.hpp"
#include "app/settings.hpp"
#include "base/error.hpp"

namespace gh::app {

/// Listening sockets, one a worker, for the listeners that have none yet. They are closed again unless they are handed
/// over: a configuration that turns out not to work leaves nothing open behind it.
class NewSockets {
 public:
    /// @param wanted   gets the ports that the system picks; they are the same for all workers
    /// @param running  what listens already stays
    /// @return `unavailable` "net.bind"
    [[nodiscard]] static Result<NewSockets> open(Settings& wanted, const Settings& running,
                                                 std::size_t workers);
    NewSockets(NewSockets&&) noexcept = default;
    NewSockets& operator=(NewSockets&&) = delete;
    ~NewSockets();

    /// Has every worker listen, after what was posted to it before: the snapshot that knows these listeners.
    void hand_over(std::span<const std::unique_ptr<Crew>> crews);

 private:
    NewSockets() = default;
    struct Listener {
        std::string name;
        bool moved;  ///< it listens elsewhere so far
        std::vector<int> sockets;
    };
    std::vector<Listener> listeners_;
};

}  // namespace gh::app
