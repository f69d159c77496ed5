#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "access/client_network.hpp"

namespace gh::access {

/// Something at the gateway that an attack is made of, and that one of them is not.
struct Incident {
    enum class Kind : std::uint8_t {
        guess,      // a credential was shown that is none
        probe,      // nothing is at that path
        smuggling,  // two readers of the request might not agree where it ends
        block,      // a limit was reached
    };
    static constexpr std::array kinds{Kind::guess, Kind::probe, Kind::smuggling, Kind::block};

    Kind kind = Kind::guess;
    ClientNetwork network;       ///< whom limits count as one
    std::string_view client_ip;  ///< its address, as text
    std::string_view principal;  ///< empty: nobody is known
    std::string_view route;      ///< empty: none
    std::string_view code;       ///< of the refusal; empty where the answer was an upstream's
};

/// Who hears of incidents, and draws conclusions later.
class Witness {
 public:
    virtual ~Witness() = default;
    /// From any thread. Keeps none of the views, does not wait, and does not fail.
    virtual void saw(const Incident& incident) noexcept = 0;
};

}  // namespace gh::access
