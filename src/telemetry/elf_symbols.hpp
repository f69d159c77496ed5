#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace gh::telemetry {

/// A function as a program's own table names it.
struct ElfSymbol {
    std::uint64_t start =
        0;  ///< as linked; where it runs is this much behind the program's first byte
    std::uint64_t size = 0;  ///< bytes; 0 where the table does not say, as for some assembly
    std::string_view
        name;  ///< mangled, at most ElfSymbols::name_bytes_max of it; borrowed from the file
    friend bool operator==(const ElfSymbol&, const ElfSymbol&) = default;
};

/// The functions that an ELF64 file of this machine's byte order names: those of .symtab, or of .dynsym where that has
/// been stripped. A file that is none, or is broken, names nothing. What is asked allocates nothing, takes no lock and
/// reads nothing but `file`, so that a signal handler may ask.
class ElfSymbols {
 public:
    static constexpr std::size_t name_bytes_max = 4096;
    static constexpr std::size_t symbols_max = std::size_t{1} << 20;

    ElfSymbols() = default;
    /// Keeps `file`, which outlives this.
    explicit ElfSymbols(std::span<const std::byte> file) noexcept;

    /// The function whose code holds `address` (as linked). Walks the whole table: for one stack, not for a profile.
    [[nodiscard]] std::optional<ElfSymbol> find(std::uint64_t address) const noexcept;

    /// How many entries the table has, functions or not.
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    /// The function in row `index`; nothing where that row is none.
    [[nodiscard]] std::optional<ElfSymbol> function(std::size_t index) const noexcept;

 private:
    std::span<const std::byte> table_;
    std::span<const std::byte> names_;
    std::size_t count_ = 0;
};

/// The same functions in order, for who asks about thousands of addresses. Borrows what ElfSymbols borrowed.
class ElfIndex {
 public:
    ElfIndex() = default;
    explicit ElfIndex(const ElfSymbols& symbols);

    /// What ElfSymbols::find() says, in a few steps. Null where no function is known.
    [[nodiscard]] const ElfSymbol* find(std::uint64_t address) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return functions_.empty(); }

 private:
    std::vector<ElfSymbol> functions_;
};

/// The id that the linker gave to this build (the note NT_GNU_BUILD_ID), as bytes; empty where there is none. As safe in
/// a signal handler as ElfSymbols.
[[nodiscard]] std::span<const std::byte> elf_build_id(std::span<const std::byte> file) noexcept;

}  // namespace gh::telemetry
