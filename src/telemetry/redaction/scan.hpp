#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace gh::telemetry::redaction {

/// Three characters in a row that are worth a look, each one of a set; an empty set: any. Marks with the same bucket are
/// told apart later.
struct Mark {
    std::string_view first, second, third;
    unsigned bucket;  ///< 0 to 23
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
    static constexpr std::size_t sets = 3;  // of eight buckets
    void find_in_blocks(std::string_view text, std::size_t from, Batch& out) const;

    std::array<std::array<std::uint32_t, 256>, 3> of_byte_{};
    // By half byte, as a shuffle reads it: [place][set][low or high half].
    alignas(
        32) std::array<std::array<std::array<std::array<std::uint8_t, 16>, 2>, sets>, 3> of_half_{};
    bool numbers_;
    bool wide_;
};

}  // namespace gh::telemetry::redaction
