#include "base/id.hpp"

#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace gh {
namespace {

struct RandomBlock {
    std::array<std::uint8_t, 1024> bytes;
    std::size_t used = sizeof bytes;
};

thread_local RandomBlock block;

void fill_from_kernel(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const auto n = ::getrandom(bytes.data(), bytes.size(), 0);
        if (n < 0) {
            if (errno == EINTR) continue;
            std::abort();  // without randomness nothing here is safe
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

UuidText format(const std::array<std::uint8_t, 16>& raw) {
    constexpr std::string_view digits = "0123456789abcdef";
    UuidText text;
    std::size_t at = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
        text[at++] = digits[raw[i] >> 4];
        text[at++] = digits[raw[i] & 15];
    }
    return text;
}

}  // namespace

void random_bytes(std::span<std::uint8_t> bytes) {
    if (bytes.size() > block.bytes.size() / 4) return fill_from_kernel(bytes);
    if (block.bytes.size() - block.used < bytes.size()) {
        fill_from_kernel(block.bytes);
        block.used = 0;
    }
    std::memcpy(bytes.data(), block.bytes.data() + block.used, bytes.size());
    std::memset(block.bytes.data() + block.used, 0, bytes.size());  // never handed out twice
    block.used += bytes.size();
}

UuidText uuid_v4() {
    std::array<std::uint8_t, 16> raw;
    random_bytes(raw);
    raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0f) | 0x40);
    raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3f) | 0x80);
    return format(raw);
}

UuidText uuid_v7(std::chrono::system_clock::time_point now) {
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    const auto ms = static_cast<std::uint64_t>(since.count());
    std::array<std::uint8_t, 16> raw;
    random_bytes(std::span(raw).subspan(6));
    for (std::size_t i = 0; i < 6; ++i) raw[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0f) | 0x70);
    raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3f) | 0x80);
    return format(raw);
}

std::optional<std::chrono::system_clock::time_point> time_of_uuid_v7(std::string_view text) {
    if (text.size() != std::tuple_size_v<UuidText> || text[8] != '-' || text[13] != '-' ||
        text[14] != '7') {
        return {};
    }
    std::uint64_t ms = 0;
    for (const auto part : {text.substr(0, 8), text.substr(9, 4)}) {
        std::uint64_t digits = 0;
        const auto [end, error] =
            std::from_chars(part.data(), part.data() + part.size(), digits, 16);
        if (error != std::errc{} || end != part.data() + part.size()) return {};
        ms = (ms << (4 * part.size())) | digits;
    }
    // 48 bits reach beyond what the clock can tell, which ends in the year 2262.
    using std::chrono::milliseconds, std::chrono::system_clock;
    constexpr auto last = std::chrono::floor<milliseconds>(system_clock::duration::max()).count();
    if (ms > static_cast<std::uint64_t>(last)) return {};
    return system_clock::time_point(milliseconds(ms));
}

}  // namespace gh
