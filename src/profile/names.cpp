#include "profile/names.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "codec/hex.hpp"
#include "telemetry/demangled.hpp"
#include "telemetry/elf_symbols.hpp"
#include "telemetry/own_program.hpp"

extern "C" const char etext;  // by the linker: where our code ends

namespace gh::profile {
namespace {

using telemetry::OwnProgram;

constexpr std::string_view endings[] = {".resume", ".actor"};

bool is_ours(std::uint64_t address) {
    return address >= OwnProgram::load_address() &&
           address < reinterpret_cast<std::uint64_t>(&etext);
}

/// What is behind '.' is the compiler's: ".resume", ".cold", ".llvm.123". But gcc's actor has a dot in its parameter, too.
std::string_view without_clones(std::string_view symbol) {
    const auto actor = symbol.rfind(".actor");
    return symbol.substr(0, actor != std::string_view::npos ? actor : symbol.find('.'));
}

Function of_library(std::uint64_t address) {
    Function found{.name = fmt::format("{:#x}", address), .start = address};
    Dl_info facts{};
    if (::dladdr(reinterpret_cast<const void*>(address), &facts) == 0) return found;
    if (facts.dli_fname != nullptr) {
        found.module = facts.dli_fname;
        found.name =
            fmt::format("[{}]", std::filesystem::path(facts.dli_fname).filename().native());
        found.start = reinterpret_cast<std::uint64_t>(facts.dli_fbase);
    }
    if (facts.dli_sname != nullptr) {
        found.symbol = facts.dli_sname;
        found.name = readable(found.symbol);
        found.start = reinterpret_cast<std::uint64_t>(facts.dli_saddr);
    }
    return found;
}

}  // namespace

bool is_coroutine(std::string_view symbol) {
    for (const auto ending : endings) {
        if (symbol.ends_with(ending) || symbol.contains(std::string(ending) + ".")) return true;
    }
    return false;
}

std::string readable(std::string_view symbol) {
    auto name = telemetry::demangled(without_clones(symbol));
    return is_coroutine(symbol) ? name + " [coroutine]" : name;
}

struct Names::Own {
    OwnProgram program;
    telemetry::ElfIndex index{program.symbols()};
};

Names::Names() = default;
Names::~Names() = default;

Names::Own& Names::own() {
    if (!own_) own_ = std::make_unique<Own>();
    return *own_;
}

Function Names::of(std::uint64_t address) {
    const std::scoped_lock lock(mutex_);
    if (const auto known = known_.find(address); known != known_.end()) return known->second;
    Function found;
    if (is_ours(address)) {
        const auto bias = OwnProgram::load_address();
        const auto* symbol = own().index.find(address - bias);
        found = {.name = symbol != nullptr ? readable(symbol->name)
                                           : fmt::format("gatehouse+{:#x}", address - bias),
                 .symbol = symbol != nullptr ? std::string(symbol->name) : std::string(),
                 .module = "gatehouse",
                 .start = symbol != nullptr ? symbol->start + bias : address,
                 .ours = true,
                 .coroutine = symbol != nullptr && is_coroutine(symbol->name)};
    } else {
        found = of_library(address);
    }
    if (known_.size() < kept_max) known_.emplace(address, found);
    return found;
}

void Names::forget() {
    const std::scoped_lock lock(mutex_);
    known_ = {};
}

std::string Names::build_id() {
    const std::scoped_lock lock(mutex_);
    const auto id = own().program.build_id();
    return codec::encode_hex({reinterpret_cast<const char*>(id.data()), id.size()});
}

}  // namespace gh::profile
