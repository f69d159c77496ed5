#include "telemetry/redaction/scan.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gh::telemetry::redaction {
namespace {

constexpr std::size_t block = 32;
constexpr std::size_t lookahead = 2;

bool is_number_char(unsigned char c) {
    return (c >= '0' && c <= '9') || c == ' ' || c == '-' || c == '+' || c == '%';
}

}  // namespace

Scanner::Scanner(std::span<const Mark> marks, bool numbers) : numbers_(numbers), wide_(false) {
    std::uint64_t bit = 1;  // of more than 64 marks, some share one
    for (const auto& mark : marks) {
        const std::string_view places[] = {mark.first, mark.second, mark.third};
        if (mark.group != Mark::compared && mark.group >= 8) sets_ = 2;
        for (std::size_t i = 0; i < 3; ++i) {
            for (unsigned c = 0; c < 256; ++c) {
                if (!places[i].empty() && !places[i].contains(static_cast<char>(c))) continue;
                of_byte_[i][c] |= bit;
                if (mark.group == Mark::compared) continue;
                auto& halves = of_half_[i][mark.group / 8];
                const auto group = static_cast<std::uint8_t>(1U << (mark.group % 8));
                halves[0][c & 15] |= group;
                halves[1][c >> 4] |= group;
            }
        }
        bit = std::rotl(bit, 1);
    }
    for (unsigned c = 0; c < 0x80; ++c) {
        if (!is_number_char(static_cast<unsigned char>(c))) continue;
        // A bit for each high half: 2 has other characters than 3.
        const auto half = static_cast<std::uint8_t>(1U << (c >> 4));
        number_halves_[0][c & 15] |= half;
        number_halves_[1][c >> 4] |= half;
    }
#if defined(__x86_64__)
    wide_ = __builtin_cpu_supports("avx2") != 0;
#endif
}

bool Scanner::is_mark(std::string_view text, std::size_t at) const {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    return (of_byte_[0][byte(at)] & of_byte_[1][byte(at + 1)] & of_byte_[2][byte(at + 2)]) != 0;
}

void Scanner::find(std::string_view text, std::size_t from, Batch& out) const {
#if defined(__x86_64__)
    if (wide_) return find_in_blocks(text, from, out);
#endif
    find_portably(text, from, out);
}

void Scanner::find_portably(std::string_view text, std::size_t from, Batch& out) const {
    out.count = 0;
    std::size_t run = from;  // where what may be a number ends
    bool told = true;
    for (std::size_t i = from; i < text.size(); ++i) {
        if (numbers_ && run <= i) {
            run = i;
            while (run < text.size() && is_number_char(static_cast<unsigned char>(text[run])))
                ++run;
            told = run - i < number_run;
            run = std::max(run, i + 1);
        }
        if (told && !is_mark(text, i)) continue;
        told = true;
        out.places[out.count++] = static_cast<std::uint32_t>(i);
        if (out.count < batch) continue;
        out.next = i + 1;
        return;
    }
    out.next = text.size();
}

#if defined(__x86_64__)
namespace {

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i load(const char* at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i twice(
    const std::array<std::uint8_t, 16>& table) {
    return _mm256_broadcastsi128_si256(
        _mm_load_si128(reinterpret_cast<const __m128i*>(table.data())));
}

/// Bits of the groups to which each character may belong.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i look_up(
    const std::array<std::array<std::uint8_t, 16>, 2>& halves, __m256i bytes) {
    const auto nibble = _mm256_set1_epi8(15);
    const auto low = _mm256_and_si256(bytes, nibble);
    const auto high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    return _mm256_and_si256(_mm256_shuffle_epi8(twice(halves[0]), low),
                            _mm256_shuffle_epi8(twice(halves[1]), high));
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i is(__m256i bytes, char c) {
    return _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(c));
}

/// '@', "s." and "---".
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i compared(__m256i first, __m256i second,
                                                                    __m256i third) {
    const auto dot = _mm256_and_si256(is(first, 's'), is(second, '.'));
    const auto dashes =
        _mm256_and_si256(is(first, '-'), _mm256_and_si256(is(second, '-'), is(third, '-')));
    return _mm256_or_si256(is(first, '@'), _mm256_or_si256(dot, dashes));
}

[[gnu::target("avx2"), gnu::always_inline]] inline std::uint32_t not_zero(__m256i bytes) {
    return ~static_cast<std::uint32_t>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())));
}

/// Of 64 characters that are or are not of a number: where eleven in a row begin, among the first 32.
constexpr std::uint32_t number_runs(std::uint64_t chars) {
    chars &= chars >> 1;
    chars &= chars >> 2;
    chars &= chars >> 4;
    chars &= chars >> 3;
    return static_cast<std::uint32_t>(chars);
}
static_assert(Scanner::number_run == 1 + 1 + 2 + 4 + 3);

}  // namespace

[[gnu::target("avx2")]] void Scanner::find_in_blocks(std::string_view text, std::size_t from,
                                                     Batch& out) const {
    alignas(32) std::array<char, 5 * block> tail;
    const char* data = text.data();
    std::size_t data_at = 0;  // in the text
    bool in_tail = false;
    out.count = 0;
    std::uint32_t was_number = 0;  // the run that reaches into this block was told of
    std::uint64_t chars = 0;       // of numbers: this block's, and the next one's above
    for (std::size_t at = from; at < text.size(); at += block) {
        if (!in_tail && at + 2 * block + lookahead > text.size()) {
            // The last bytes once more, with zeros behind them.
            const auto rest = text.size() - at;
            std::memset(tail.data() + rest, 0, tail.size() - rest);
            std::memcpy(tail.data(), text.data() + at, rest);
            data = tail.data();
            data_at = at;
            in_tail = true;
        }
        const char* here = data + (at - data_at);
        const auto first = load(here), second = load(here + 1), third = load(here + 2);
        auto marks = compared(first, second, third);
        for (std::size_t set = 0; set < sets_; ++set) {
            const auto two = _mm256_and_si256(look_up(of_half_[0][set], first),
                                              look_up(of_half_[1][set], second));
            marks = _mm256_or_si256(marks, _mm256_and_si256(two, look_up(of_half_[2][set], third)));
        }
        auto bits = not_zero(marks);
        std::uint32_t begins = 0;
        if (numbers_) {
            if (at == from)
                chars = std::uint64_t{not_zero(look_up(number_halves_, first))} << block;
            chars >>= block;
            chars |= std::uint64_t{not_zero(look_up(number_halves_, load(here + block)))} << block;
            const auto runs = number_runs(chars);
            begins = runs & ~((runs << 1) | was_number);
            was_number = runs >> 31;
        }
        bits |= begins;
        if (bits == 0) continue;
        if (out.count + static_cast<std::size_t>(std::popcount(bits)) > batch) {
            out.next = at;
            return;
        }
        for (; bits != 0; bits &= bits - 1) {
            const auto bit = static_cast<std::size_t>(std::countr_zero(bits));
            if ((begins >> bit & 1) == 0 && !is_mark(text, at + bit)) continue;
            out.places[out.count++] = static_cast<std::uint32_t>(at + bit);
        }
    }
    out.next = text.size();
}
#endif

}  // namespace gh::telemetry::redaction
