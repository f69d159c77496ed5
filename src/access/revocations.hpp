#pragma once

#include "access/principal.hpp"

namespace gh::access {

/// What ends credentials before their time. From any thread.
class Revocations {
 public:
    virtual ~Revocations() = default;
    [[nodiscard]] virtual bool covers(const Principal& principal) const = 0;
};

}  // namespace gh::access
