#include "telemetry/elf_symbols.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "telemetry/demangled.hpp"
#include "telemetry/own_program.hpp"

namespace gh::telemetry {

/// What the tests look for in their own program.
[[gnu::noinline]] int function_of_the_elf_test(int number) { return number * 3 + 1; }

namespace {

std::uint64_t linked_address_of_function() {
    return reinterpret_cast<std::uint64_t>(&function_of_the_elf_test) - OwnProgram::load_address();
}

std::vector<std::byte> copy_of_own_file() {
    const OwnProgram program;
    return {program.file().begin(), program.file().end()};
}

Elf64_Ehdr header_of(const std::vector<std::byte>& file) {
    Elf64_Ehdr header;
    std::memcpy(&header, file.data(), sizeof header);
    return header;
}

TEST(ElfSymbols, NameAFunctionOfTheirOwnProgram) {
    const OwnProgram program;
    const auto found = program.symbols().find(linked_address_of_function());
    ASSERT_TRUE(found);
    EXPECT_EQ(demangled(found->name), "gh::telemetry::function_of_the_elf_test(int)");
    EXPECT_EQ(found->start, linked_address_of_function());
    const auto inside = program.symbols().find(found->start + found->size - 1);
    EXPECT_EQ(inside, found) << "the last byte of a function is its own";
    const auto behind = program.symbols().find(found->start + found->size);
    EXPECT_NE(behind, found);
}

TEST(ElfSymbols, AreTheSameInOrder) {
    const OwnProgram program;
    const ElfIndex index(program.symbols());
    ASSERT_FALSE(index.empty());
    const auto from = linked_address_of_function();
    for (std::uint64_t address = from; address < from + 4096; address += 37) {
        const auto walked = program.symbols().find(address);
        const auto* sought = index.find(address);
        ASSERT_EQ(walked.has_value(), sought != nullptr) << address;
        if (!walked) continue;
        EXPECT_EQ(walked->start, sought->start);
        EXPECT_EQ(walked->name, sought->name);
    }
    EXPECT_EQ(index.find(0), nullptr);
    EXPECT_EQ(index.find(~std::uint64_t{0}), nullptr);
    EXPECT_EQ(program.symbols().find(~std::uint64_t{0}), std::nullopt);
}

TEST(Demangled, LeavesWhatIsNoMangledName) {
    EXPECT_EQ(demangled("_ZN2gh3fooEv"), "gh::foo()");
    EXPECT_EQ(demangled("_ZN2gh3fooEv.resume"), "gh::foo() [clone .resume]");
    EXPECT_EQ(demangled("main"), "main") << "a function of C";
    EXPECT_EQ(demangled("i"), "i") << "a name, not the type int";
    EXPECT_EQ(demangled(""), "");
}

TEST(ElfSymbols, KnowNothingWithoutSections) {
    auto file = copy_of_own_file();
    auto header = header_of(file);
    header.e_shnum = 0;
    std::memcpy(file.data(), &header, sizeof header);
    const ElfSymbols symbols(file);
    EXPECT_EQ(symbols.size(), 0U);
    EXPECT_EQ(symbols.find(linked_address_of_function()), std::nullopt);
    EXPECT_FALSE(elf_build_id(file).empty()) << "the id is in a segment: strip leaves it";
}

TEST(ElfSymbols, RefuseWhatIsNotTheirs) {
    const auto whole = copy_of_own_file();
    const auto spoiled = [&](std::size_t at, unsigned char value) {
        auto file = whole;
        file[at] = std::byte{value};
        return ElfSymbols(file).size() + elf_build_id(file).size();
    };
    EXPECT_EQ(spoiled(0, 'E'), 0U) << "no ELF";
    EXPECT_EQ(spoiled(EI_CLASS, ELFCLASS32), 0U);
    EXPECT_EQ(spoiled(EI_DATA, ELFDATA2MSB), 0U);
    EXPECT_EQ(ElfSymbols(std::span<const std::byte>{}).size(), 0U);
    EXPECT_TRUE(elf_build_id({}).empty());
}

TEST(ElfSymbols, AreBoundedByTheFile) {
    const auto whole = copy_of_own_file();
    const std::span<const std::byte> file(whole);
    // Cut anywhere, it is a file that names less or nothing; what reads past the end, a sanitizer sees.
    for (std::size_t size = 1; size < file.size(); size = size * 3 + 1) {
        const std::vector<std::byte> exact(file.begin(),
                                           file.begin() + static_cast<std::ptrdiff_t>(size));
        const ElfSymbols symbols(exact);
        EXPECT_LE(symbols.size(), size / sizeof(Elf64_Sym));
        (void)symbols.find(linked_address_of_function());
        (void)elf_build_id(exact);
    }
}

TEST(ElfSymbols, StandOffsetsAtTheEndOfNumbers) {
    auto file = copy_of_own_file();
    auto header = header_of(file);
    header.e_shoff = ~std::uint64_t{0} - 8;
    header.e_phoff = ~std::uint64_t{0} - 8;
    std::memcpy(file.data(), &header, sizeof header);
    EXPECT_EQ(ElfSymbols(file).size(), 0U);
    EXPECT_TRUE(elf_build_id(file).empty());
}

}  // namespace
}  // namespace gh::telemetry
