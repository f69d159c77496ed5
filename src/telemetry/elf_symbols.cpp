#include "telemetry/elf_symbols.hpp"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

namespace gh::telemetry {
namespace {

using Bytes = std::span<const std::byte>;

constexpr unsigned char own_order =
    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

/// The part of `file` that some header speaks of; nothing where it is not all there.
std::optional<Bytes> part(Bytes file, std::uint64_t offset, std::uint64_t size) noexcept {
    if (offset > file.size() || size > file.size() - offset) return {};
    return file.subspan(offset, size);
}

/// A copy: nothing in a foreign file has to be aligned.
template <class T>
std::optional<T> read(Bytes bytes, std::uint64_t offset) noexcept {
    const auto place = part(bytes, offset, sizeof(T));
    if (!place) return {};
    T value;
    std::memcpy(&value, place->data(), sizeof value);
    return value;
}

std::optional<Elf64_Ehdr> header_of(Bytes file) noexcept {
    const auto header = read<Elf64_Ehdr>(file, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != own_order) {
        return {};
    }
    return header;
}

/// Section headers, all of them or none.
Bytes sections_of(Bytes file, const Elf64_Ehdr& header) noexcept {
    if (header.e_shentsize != sizeof(Elf64_Shdr)) return {};
    const auto size = std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr);
    return part(file, header.e_shoff, size).value_or(Bytes{});
}

std::optional<Elf64_Shdr> section_of_type(Bytes sections, std::uint32_t type) noexcept {
    for (std::uint64_t at = 0; at < sections.size(); at += sizeof(Elf64_Shdr)) {
        const auto section = read<Elf64_Shdr>(sections, at);
        if (section && section->sh_type == type && section->sh_entsize == sizeof(Elf64_Sym))
            return section;
    }
    return {};
}

constexpr std::uint64_t padded(std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; }

/// Looks for the id among notes (name size, description size, type; then both, each filled up to four bytes).
Bytes build_id_in(Bytes notes) noexcept {
    constexpr char owner[] = "GNU";
    while (const auto note = read<Elf64_Nhdr>(notes, 0)) {
        const auto name = part(notes, sizeof *note, note->n_namesz);
        const auto id = part(notes, sizeof *note + padded(note->n_namesz), note->n_descsz);
        if (!name || !id) return {};
        if (note->n_type == NT_GNU_BUILD_ID && name->size() == sizeof owner &&
            std::memcmp(name->data(), owner, sizeof owner) == 0) {
            return *id;
        }
        const auto whole = sizeof *note + padded(note->n_namesz) + padded(note->n_descsz);
        notes = notes.subspan(std::min<std::uint64_t>(whole, notes.size()));
    }
    return {};
}

bool reaches(const ElfSymbol& symbol, std::uint64_t address) noexcept {
    constexpr std::uint64_t unsized_bytes_max = 4096;
    const auto size = symbol.size == 0 ? unsized_bytes_max : symbol.size;
    return address >= symbol.start && address - symbol.start < size;
}

/// Of two names for one place, the one that covers more; then the later one in the alphabet.
std::tuple<std::uint64_t, std::uint64_t, std::string_view> order(const ElfSymbol& symbol) noexcept {
    return {symbol.start, symbol.size, symbol.name};
}

}  // namespace

ElfSymbols::ElfSymbols(Bytes file) noexcept {
    const auto header = header_of(file);
    if (!header) return;
    const auto sections = sections_of(file, *header);
    auto table = section_of_type(sections, SHT_SYMTAB);
    if (!table) table = section_of_type(sections, SHT_DYNSYM);
    if (!table) return;
    const auto names =
        read<Elf64_Shdr>(sections, std::uint64_t{table->sh_link} * sizeof(Elf64_Shdr));
    if (!names || names->sh_type != SHT_STRTAB) return;
    const auto rows = part(file, table->sh_offset, table->sh_size);
    const auto text = part(file, names->sh_offset, names->sh_size);
    if (!rows || !text) return;
    table_ = *rows;
    names_ = *text;
    count_ = std::min(table_.size() / sizeof(Elf64_Sym), symbols_max);
}

std::optional<ElfSymbol> ElfSymbols::function(std::size_t index) const noexcept {
    if (index >= count_) return {};
    const auto row = read<Elf64_Sym>(table_, index * sizeof(Elf64_Sym));
    if (!row || row->st_shndx == SHN_UNDEF || row->st_name >= names_.size()) return {};
    const auto type = ELF64_ST_TYPE(row->st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC) return {};
    const auto* name = reinterpret_cast<const char*>(names_.data()) + row->st_name;
    const auto bytes_max = std::min(names_.size() - row->st_name, name_bytes_max);
    return ElfSymbol{
        .start = row->st_value, .size = row->st_size, .name = {name, ::strnlen(name, bytes_max)}};
}

std::optional<ElfSymbol> ElfSymbols::find(std::uint64_t address) const noexcept {
    std::optional<ElfSymbol> best;
    for (std::size_t i = 0; i < count_; ++i) {
        // The row alone first: a name is looked at only where the place fits.
        const auto row = read<Elf64_Sym>(table_, i * sizeof(Elf64_Sym));
        if (!row || row->st_value > address || (best && row->st_value < best->start)) continue;
        const auto found = function(i);
        if (found && (!best || order(*found) >= order(*best))) best = found;
    }
    return best && reaches(*best, address) ? best : std::nullopt;
}

ElfIndex::ElfIndex(const ElfSymbols& symbols) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        if (const auto found = symbols.function(i)) functions_.push_back(*found);
    }
    std::ranges::sort(functions_, {}, order);
}

const ElfSymbol* ElfIndex::find(std::uint64_t address) const noexcept {
    const auto after = std::ranges::upper_bound(functions_, address, {}, &ElfSymbol::start);
    if (after == functions_.begin()) return nullptr;
    const auto& found = *std::prev(after);
    return reaches(found, address) ? &found : nullptr;
}

Bytes elf_build_id(Bytes file) noexcept {
    const auto header = header_of(file);
    if (!header || header->e_phentsize != sizeof(Elf64_Phdr)) return {};
    for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
        const auto at = header->e_phoff + i * sizeof(Elf64_Phdr);
        const auto program = at < header->e_phoff ? std::nullopt : read<Elf64_Phdr>(file, at);
        if (!program) return {};
        if (program->p_type != PT_NOTE) continue;
        const auto notes = part(file, program->p_offset, program->p_filesz);
        if (const auto id = notes ? build_id_in(*notes) : Bytes{}; !id.empty()) return id;
    }
    return {};
}

}  // namespace gh::telemetry
