#pragma once

#include "access/revocable.hpp"

namespace gh::plan {

/// Leases of steps: they end as if their agent had been silent.
class RevocableSteps final : public access::Revocable {
 public:
    [[nodiscard]] std::string_view plane() const override { return "steps"; }
    Task<Result<std::vector<access::Holding>>> look(storage::Session& session, access::Whom whom,
                                                    SystemTime now) override;
    /// Nothing where the room of agents has ended them already, which tells who waits for steps.
    Task<Result<void>> end(storage::Session& session, access::Whom whom, SystemTime now) override;
};

}  // namespace gh::plan
