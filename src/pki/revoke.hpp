#pragma once

#include <functional>
#include <string>

#include "access/revocable.hpp"

namespace gh::pki {

/// Certificates that were made for a principal, and one-time tokens that would bring it some.
class RevocableCertificates final : public access::Revocable {
 public:
    /// @param uri_of_agent  what certificates of an agent say of it
    explicit RevocableCertificates(std::function<std::string(const std::string& id)> uri_of_agent)
        : uri_of_agent_(std::move(uri_of_agent)) {}

    [[nodiscard]] std::string_view plane() const override { return "certificates"; }
    Task<Result<std::vector<access::Holding>>> look(storage::Session& session, access::Whom whom,
                                                    SystemTime now) override;
    Task<Result<void>> end(storage::Session& session, access::Whom whom, SystemTime now) override;

 private:
    [[nodiscard]] std::string names_of(const access::Target& target) const;

    const std::function<std::string(const std::string& id)> uri_of_agent_;
};

}  // namespace gh::pki
