#pragma once

#include "identity/user_repository.hpp"
#include "storage/session.hpp"

namespace gh::identity {

/// What reads a page of the list of users: columns as UserRepository reads them.
[[nodiscard]] const storage::Statement& page_statement(const UserPage& wanted);
/// Its parameters.
[[nodiscard]] storage::Parameters page_parameters(const UserPage& wanted);

}  // namespace gh::identity
