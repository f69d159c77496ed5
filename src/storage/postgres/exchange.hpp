#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "storage/postgres/failure.hpp"
#include "storage/statement.hpp"
#include "storage/value.hpp"

namespace gh::storage::postgres {

/// One statement on its way. The parameters are borrowed until it is sent.
struct Step {
    Statement statement;
    const Parameters* parameters;
    bool begins =
        false;  ///< BEGIN: the server answers it with what stands behind, whose time it is
};
inline const Parameters no_parameters;

/// What came of an exchange.
struct Outcome {
    std::vector<Rows>
        rows;  ///< of each step that was answered, in order; as many as came before a failure
    bool committed = false;            ///< a COMMIT was answered with one
    bool lost = false;                 ///< the connection ended before the server had said all
    std::optional<Failure> failure{};  ///< of the step behind those
};

/// Statements that go out together with one Sync behind them: the first that fails takes those behind it along. Several
/// exchanges may be under way on a connection; the failure of one is no other's.
struct Exchange {
    std::vector<Step> steps;
    std::string
        script;  ///< instead of steps: several statements of the simple protocol, alone on the connection
    std::move_only_function<void(Outcome)> done;  ///< called once, on the loop
    milliseconds patience{0};                     ///< instead of the connection's own; 0: that
};

}  // namespace gh::storage::postgres
