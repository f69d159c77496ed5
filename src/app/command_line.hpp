#pragma once

namespace gh::app {

/// Runs what the command line says. @return the exit code: 0 done, 1 the work failed, 2 wrong usage or configuration
[[nodiscard]] int run_command_line(int argc, char** argv);

}  // namespace gh::app
