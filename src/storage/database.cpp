#include "storage/database.hpp"

namespace gh::storage {

Task<Result<Rows>> Database::run_one(const Statement& statement, Parameters parameters) {
    const auto mode = statement.kind() == "select" ? Mode::read : Mode::write;
    auto rows = std::make_shared<Rows>();
    Work work = [rows, statement, parameters = std::move(parameters)](Session& session) {
        // A copy: the work may have to run again.
        return [](Session& on, Statement what, Parameters with,
                  std::shared_ptr<Rows> into) -> Task<Result<void>> {
            GH_CO_TRY(*into, co_await on.run(what, std::move(with)));
            co_return Result<void>{};
        }(session, statement, parameters, rows);
    };
    GH_CO_TRY_VOID(co_await run(mode, std::move(work)));
    co_return std::move(*rows);
}

}  // namespace gh::storage
