#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "telemetry/elf_symbols.hpp"

namespace gh::telemetry {

/// The file that this process runs, mapped read-only: pages come in as they are asked for. What it borrows out lives as
/// long as the object. Where the file cannot be opened (no /proc) it is empty, and names nothing.
class OwnProgram {
 public:
    OwnProgram() noexcept;
    ~OwnProgram();
    OwnProgram(const OwnProgram&) = delete;
    OwnProgram& operator=(const OwnProgram&) = delete;

    [[nodiscard]] std::span<const std::byte> file() const noexcept { return file_; }
    [[nodiscard]] const ElfSymbols& symbols() const noexcept { return symbols_; }
    /// Empty where the linker made none.
    [[nodiscard]] std::span<const std::byte> build_id() const noexcept {
        return elf_build_id(file_);
    }
    /// Where its first byte lies: this much less, an address of code is what ElfSymbols::find() takes.
    [[nodiscard]] static std::uint64_t load_address() noexcept;

 private:
    std::span<const std::byte> file_;
    ElfSymbols symbols_;
};

}  // namespace gh::telemetry
