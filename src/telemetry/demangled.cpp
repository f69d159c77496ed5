#include "telemetry/demangled.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace gh::telemetry {

std::string demangled(std::string_view symbol) {
    std::string name(symbol);
    if (!symbol.starts_with("_Z")) return name;  // "i" would be the type int
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
    return status == 0 && text ? std::string(text.get()) : name;
}

}  // namespace gh::telemetry
