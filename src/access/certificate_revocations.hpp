#pragma once

#include <string_view>

namespace gh::access {

/// Which client certificates ended before their time. From any thread.
class CertificateRevocations {
 public:
    virtual ~CertificateRevocations() = default;
    /// @param serial  as ClientCertificate has it
    [[nodiscard]] virtual bool covers_serial(std::string_view serial) const = 0;
};

}  // namespace gh::access
