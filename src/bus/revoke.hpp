#pragma once

#include "access/revocable.hpp"

namespace gh::bus {

/// Messages that wait for a principal, and those of it that wait for others: they become `expired`.
class RevocableMessages final : public access::Revocable {
 public:
    [[nodiscard]] std::string_view plane() const override { return "messages"; }
    Task<Result<void>> lock(storage::Session& session) override;
    Task<Result<std::vector<access::Holding>>> look(storage::Session& session, access::Whom whom,
                                                    SystemTime now) override;
    Task<Result<void>> end(storage::Session& session, access::Whom whom, SystemTime now) override;
};

}  // namespace gh::bus
