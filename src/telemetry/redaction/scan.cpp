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
    for (const auto& mark : marks) {
        const std::string_view places[] = {mark.first, mark.second, mark.third};
        const auto set = mark.bucket / 8;
        const auto bit = static_cast<std::uint8_t>(1U << (mark.bucket % 8));
        for (std::size_t i = 0; i < 3; ++i) {
            for (unsigned c = 0; c < 256; ++c) {
                if (!places[i].empty() && !places[i].contains(static_cast<char>(c))) continue;
                of_byte_[i][c] |= 1U << mark.bucket;
                of_half_[i][set][0][c & 15] |= bit;
                of_half_[i][set][1][c >> 4] |= bit;
            }
        }
    }
#if defined(__x86_64__)
    wide_ = __builtin_cpu_supports("avx2") != 0;
#endif
}

void Scanner::find(std::string_view text, std::size_t from, Batch& out) const {
    if (wide_) {
        find_in_blocks(text, from, out);
    } else {
        find_portably(text, from, out);
    }
}

void Scanner::find_portably(std::string_view text, std::size_t from, Batch& out) const {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    out.count = 0;
    std::size_t run = from;  // where what may be a number ends
    bool told = false;
    for (std::size_t i = from; i < text.size(); ++i) {
        if (numbers_ && run <= i) {
            run = i;
            while (run < text.size() && is_number_char(byte(run))) ++run;
            told = run - i < number_run;
            run = std::max(run, i + 1);
        }
        const bool marked =
            (of_byte_[0][byte(i)] & of_byte_[1][byte(i + 1)] & of_byte_[2][byte(i + 2)]) != 0;
        if (!marked && (told || !numbers_)) continue;
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

using Halves = std::array<std::array<std::uint8_t, 16>, 2>;

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i load(const char* at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i twice(
    const std::array<std::uint8_t, 16>& table) {
    return _mm256_broadcastsi128_si256(
        _mm_load_si128(reinterpret_cast<const __m128i*>(table.data())));
}

/// Bits of the marks that may begin here by the character at one place.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i look_up(const Halves& halves,
                                                                   __m256i low, __m256i high) {
    return _mm256_and_si256(_mm256_shuffle_epi8(twice(halves[0]), low),
                            _mm256_shuffle_epi8(twice(halves[1]), high));
}

[[gnu::target("avx2"), gnu::always_inline]] inline std::uint32_t number_chars(__m256i bytes) {
    const auto digit = _mm256_and_si256(_mm256_cmpgt_epi8(bytes, _mm256_set1_epi8('0' - 1)),
                                        _mm256_cmpgt_epi8(_mm256_set1_epi8('9' + 1), bytes));
    const auto blank = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' ')),
                                       _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('-')));
    const auto coded = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('+')),
                                       _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('%')));
    const auto any = _mm256_or_si256(digit, _mm256_or_si256(blank, coded));
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(any));
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
    const auto nibble = _mm256_set1_epi8(15);
    const auto marks = [&](const char* at) __attribute__((target("avx2"), always_inline)) {
        __m256i found[sets];
        for (std::size_t i = 0; i < 3; ++i) {
            const auto bytes = load(at + i);
            const auto low = _mm256_and_si256(bytes, nibble);
            const auto high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
            for (std::size_t set = 0; set < sets; ++set) {
                const auto here = look_up(of_half_[i][set], low, high);
                found[set] = i == 0 ? here : _mm256_and_si256(found[set], here);
            }
        }
        const auto any = _mm256_or_si256(found[0], _mm256_or_si256(found[1], found[2]));
        const auto none = _mm256_cmpeq_epi8(any, _mm256_setzero_si256());
        return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(none));
    };
    const char* data = text.data();
    std::size_t data_at = 0;  // in the text
    bool in_tail = false;
    out.count = 0;
    std::uint32_t was_number = 0;  // the run that reaches into this block was told of
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
        auto bits = marks(here);
        if (numbers_) {
            const auto chars = number_chars(load(here)) |
                               (std::uint64_t{number_chars(load(here + block))} << block);
            const auto runs = number_runs(chars);
            bits |= runs & ~((runs << 1) | was_number);
            was_number = runs >> 31;
        }
        if (out.count + static_cast<std::size_t>(std::popcount(bits)) > batch) {
            out.next = at;
            return;
        }
        for (; bits != 0; bits &= bits - 1)
            out.places[out.count++] =
                static_cast<std::uint32_t>(at + static_cast<std::size_t>(std::countr_zero(bits)));
    }
    out.next = text.size();
}
#else
void Scanner::find_in_blocks(std::string_view text, std::size_t from, Batch& out) const {
    find_portably(text, from, out);
}
#endif

}  // namespace gh::telemetry::redaction
