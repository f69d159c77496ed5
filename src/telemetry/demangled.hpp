#pragma once

#include <string>
#include <string_view>

namespace gh::telemetry {

/// A symbol as C++ writes it: "_ZN2gh3fooEv" is "gh::foo()". What is no mangled name stays as it is. Allocates.
[[nodiscard]] std::string demangled(std::string_view symbol);

}  // namespace gh::telemetry
