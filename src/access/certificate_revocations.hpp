#pragma once

#include <string_view>

namespace gh::access {

/// Which client certificates, and which authorities, ended before their time. From any thread.
class CertificateRevocations {
 public:
    virtual ~CertificateRevocations() = default;
    /// @param serial  as ClientCertificate has it
    [[nodiscard]] virtual bool covers_serial(std::string_view serial) const = 0;
    /// Whether an authority's key is good no more, and so nothing that it has signed.
    /// @param key_id  as ClientCertificate::authorities has it
    [[nodiscard]] virtual bool covers_authority(std::string_view key_id) const = 0;
};

}  // namespace gh::access
