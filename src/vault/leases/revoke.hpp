#pragma once

#include "access/revocable.hpp"

namespace gh::vault::leases {

/// Credentials of databases that a principal holds. Their users go as soon as the servers are there: until then they are
/// `ending`.
class RevocableLeases final : public access::Revocable {
 public:
    [[nodiscard]] std::string_view plane() const override { return "leases"; }
    Task<Result<std::vector<access::Holding>>> look(storage::Session& session, access::Whom whom,
                                                    SystemTime now) override;
    Task<Result<void>> end(storage::Session& session, access::Whom whom, SystemTime now) override;
};

}  // namespace gh::vault::leases
