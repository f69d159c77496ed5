#pragma once

#include "access/revocable.hpp"

namespace gh::identity::oauth {

/// What users, services and keys show of themselves: a user is kept out, with sessions, grants and keys; a service with the
/// client and the keys that it is; a key with those that it made; an agent with keys that stand for it. Keys end for good.
class RevocableCredentials final : public access::Revocable {
 public:
    [[nodiscard]] std::string_view plane() const override { return "credentials"; }
    Task<Result<std::optional<access::Target>>> find(storage::Session& session,
                                                     access::Target target) override;
    Task<Result<std::vector<access::Bearer>>> names(storage::Session& session,
                                                    access::Target target) override;
    Task<Result<std::vector<access::Rights>>> rights(storage::Session& session,
                                                     access::Target target,
                                                     SystemTime now) override;
    Task<Result<std::vector<access::Holding>>> look(storage::Session& session, access::Whom whom,
                                                    SystemTime now) override;
    /// @return `conflict` "user.last_admin"
    Task<Result<void>> end(storage::Session& session, access::Whom whom, SystemTime now) override;
};

}  // namespace gh::identity::oauth
