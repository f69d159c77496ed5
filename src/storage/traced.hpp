#pragma once

#include <memory>

#include "storage/database.hpp"

namespace gh::storage {

/// `inner`, of whose transactions and statements the trace of the caller tells: names and times, never values. For who works
/// for no trace it is `inner` itself.
[[nodiscard]] std::unique_ptr<Database> traced(std::unique_ptr<Database> inner);

}  // namespace gh::storage
