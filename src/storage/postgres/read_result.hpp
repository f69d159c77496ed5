#pragma once

#include <libpq-fe.h>

#include <memory>

#include "base/error.hpp"
#include "storage/postgres/failure.hpp"
#include "storage/value.hpp"

namespace gh::storage::postgres {

struct ResultCloser {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ResultCloser>;

/// @return `internal` "storage.rows": more than a session gives; `corrupt` "storage.corrupt"
[[nodiscard]] Result<Rows> read_rows(PGresult* result);

[[nodiscard]] Failure read_failure(const PGresult* result);

/// COMMIT did commit: after a failure the server answers it with ROLLBACK.
[[nodiscard]] bool is_commit(PGresult* result);

}  // namespace gh::storage::postgres
