#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace gh::telemetry::redaction {

/// Three characters in a row that are worth a look, each one of a set; an empty set: any.
struct Mark {
    std::string_view first, second, third;
    /// Marks of one group are looked for together by the halves of their bytes, and told apart where they seem to be: those
    /// whose characters are alike stand in one. 0 to 7 cost alike, 8 to 15 the same again.
    unsigned group;
    static constexpr unsigned compared =
        16;  ///< '@', "s." and "---", which are compared for anyway
};

/// Where marks stand, and where eleven characters in a row are digits, blanks, '-', '+' or '%'. One pass, 32 bytes at a
/// time with AVX2, else one.
class Scanner {
 public:
    static constexpr std::size_t batch = 64;
    static constexpr std::size_t number_run = 11;

    /// @param numbers  whether runs of digits are looked for
    Scanner(std::span<const Mark> marks, bool numbers);

    struct Batch {
        std::array<std::uint32_t, batch> places;  ///< in order; may name too many, never too few
        std::size_t count = 0;
        std::size_t next = 0;  ///< where to go on; the size of the text at its end
    };
    /// @param text  less than 4 GiB
    /// @param from  0, or `next` of the batch before
    void find(std::string_view text, std::size_t from, Batch& out) const;
    /// The same by the byte, for machines without AVX2.
    void find_portably(std::string_view text, std::size_t from, Batch& out) const;

 private:
    static constexpr std::size_t sets_max = 2;  // of eight groups
    /// Low and high ones, as a shuffle reads them.
    using Halves = std::array<std::array<std::uint8_t, 16>, 2>;
    void find_in_blocks(std::string_view text, std::size_t from, Batch& out) const;
    [[nodiscard]] bool is_mark(std::string_view text, std::size_t at) const;

    std::array<std::array<std::uint64_t, 256>, 3> of_byte_{};  // a bit for each mark
    alignas(32) std::array<std::array<Halves, sets_max>, 3> of_half_{};
    alignas(32) Halves number_halves_{};
    bool numbers_;
    bool wide_;
    std::size_t sets_ = 1;  // of them, used
};

}  // namespace gh::telemetry::redaction
