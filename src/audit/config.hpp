#pragma once

#include <string>

#include "config/type.hpp"

namespace gh::audit {

/// `audit` of gatehouse.yaml.
struct AuditConfig {
    /// What the log calls itself in its checkpoints: the name of the key that signs. Chosen once in a log's life.
    std::string origin = "gatehouse/audit";
    friend bool operator==(const AuditConfig&, const AuditConfig&) = default;
};

[[nodiscard]] config::Type<AuditConfig> audit_type();

}  // namespace gh::audit
