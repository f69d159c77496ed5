// A broken program file names nothing that is not in it, and both ways of asking say the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "telemetry/elf_symbols.hpp"

namespace {

using namespace gh::telemetry;

void demand(bool holds) {
    if (!holds) std::abort();
}

void check_at(const ElfSymbols& symbols, const ElfIndex& index, std::uint64_t address) {
    const auto walked = symbols.find(address);
    const auto* sought = index.find(address);
    demand(walked.has_value() == (sought != nullptr));
    if (!walked) return;
    demand(*walked == *sought);
    demand(walked->start <= address);
    demand(walked->size == 0 || address - walked->start < walked->size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto file = std::as_bytes(std::span(data, size));
    const auto id = elf_build_id(file);
    demand(id.size() <= size);
    const ElfSymbols symbols(file);
    demand(symbols.size() <= size / 24);
    const ElfIndex index(symbols);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        const auto function = symbols.function(i);
        if (!function) continue;
        demand(function->name.size() <= ElfSymbols::name_bytes_max);
        demand(function->name.empty() ||
               (function->name.data() >= reinterpret_cast<const char*>(data) &&
                function->name.data() + function->name.size() <=
                    reinterpret_cast<const char*>(data) + size));
        if (i < 64) check_at(symbols, index, function->start);
    }
    for (const std::uint64_t address : {0ULL, 1ULL, 0x1000ULL, 0x401000ULL, ~0ULL})
        check_at(symbols, index, address);
    return 0;
}
