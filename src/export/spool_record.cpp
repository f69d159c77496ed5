#include "export/spool_record.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/keyed_hash.hpp"

namespace gh::exporting {
namespace {

constexpr std::string_view magic = "GSP1";
constexpr std::size_t position_digits = 20, position_hash_digits = 16;
constexpr std::size_t position_bytes = 2 * (position_digits + 1) + position_hash_digits + 1;

/// A known key: it is to show damage, not forgery.
std::uint64_t checksum(std::string_view text) {
    return KeyedHash(0x676174656873706fULL, 0x6f6c7265636f7264ULL)(text).low;
}

template <class N>
void append_number(std::string& out, N value) {
    for (std::size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(value >> (8 * i));
}

template <class N>
N number_at(std::string_view bytes, std::size_t at) {
    N value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i)
        value |= static_cast<N>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    return value;
}

/// Size, lines and body; the hash of the whole would want them in one piece.
std::uint64_t checksum_of(std::string_view numbers, std::string_view body) {
    std::string both(numbers);
    append_number(both, checksum(body));
    return checksum(both);
}

std::optional<std::uint64_t> whole(std::string_view digits, int base) {
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

std::string position_numbers(const SpoolPosition& position) {
    return fmt::format("{:020} {:020}", position.segment, position.offset);
}

}  // namespace

void append_spool_record(std::string& out, std::uint32_t lines, std::string_view body) {
    std::string numbers;
    append_number(numbers, static_cast<std::uint32_t>(body.size()));
    append_number(numbers, lines);
    out.append(magic).append(numbers);
    append_number(out, checksum_of(numbers, body));
    out.append(body);
}

std::optional<SpoolHeader> parse_spool_header(std::string_view bytes) {
    if (bytes.size() < spool_header_bytes || !bytes.starts_with(magic)) return std::nullopt;
    const auto size = number_at<std::uint32_t>(bytes, 4);
    if (size > spool_body_bytes_max) return std::nullopt;
    return SpoolHeader{.lines = number_at<std::uint32_t>(bytes, 8),
                       .record_bytes = spool_header_bytes + size};
}

Result<SpoolRecord> parse_spool_record(std::string_view bytes) {
    const auto header = parse_spool_header(bytes);
    if (!header || header->record_bytes > bytes.size())
        return fail(ErrorKind::corrupt, "spool.damaged", "no whole record");
    const auto body = bytes.substr(spool_header_bytes, header->record_bytes - spool_header_bytes);
    if (number_at<std::uint64_t>(bytes, 12) != checksum_of(bytes.substr(4, 8), body))
        return fail(ErrorKind::corrupt, "spool.damaged", "wrong checksum");
    return SpoolRecord{.lines = header->lines, .body = body};
}

std::string spool_position_text(const SpoolPosition& position) {
    const auto numbers = position_numbers(position);
    return fmt::format("{} {:016x}\n", numbers, checksum(numbers));
}

std::optional<SpoolPosition> parse_spool_position(std::string_view text) {
    if (text.size() != position_bytes) return std::nullopt;
    const auto segment = whole(text.substr(0, position_digits), 10);
    const auto offset = whole(text.substr(position_digits + 1, position_digits), 10);
    if (!segment || !offset) return std::nullopt;
    const SpoolPosition position{.segment = *segment, .offset = *offset};
    if (spool_position_text(position) != text) return std::nullopt;
    return position;
}

}  // namespace gh::exporting
