#include "codec/ip.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/try.hpp"

namespace gh::codec {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::unexpected<Error> malformed() { return fail(ErrorKind::invalid_argument, "ip.malformed"); }

/// A decimal number without sign or leading zeros, up to `max`.
std::optional<int> small_number(std::string_view text, int max) {
    if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value <= max ? std::optional(value) : std::nullopt;
}

std::optional<std::array<std::uint8_t, 4>> read_v4(std::string_view text) {
    std::array<std::uint8_t, 4> bytes{};
    for (std::size_t i = 0; i < 4; ++i) {
        const auto dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) return std::nullopt;
        const auto octet = small_number(text.substr(0, dot), 255);
        if (!octet) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(*octet);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return bytes;
}

/// One to four hex digits.
std::optional<std::uint16_t> read_group(std::string_view text) {
    if (text.empty() || text.size() > 4) return std::nullopt;
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Groups apart by ':' on one side of "::", the last perhaps in dotted decimal; at most 8.
struct Groups {
    std::array<std::uint16_t, 8> values{};
    std::size_t count = 0;
};

std::optional<Groups> read_groups(std::string_view text, bool may_end_dotted) {
    Groups groups;
    if (text.empty()) return groups;
    for (bool more = true; more;) {
        const auto colon = text.find(':');
        more = colon != std::string_view::npos;
        const auto part = text.substr(0, colon);
        if (!more && may_end_dotted && part.contains('.')) {
            const auto v4 = read_v4(part);
            if (!v4 || groups.count > 6) return std::nullopt;
            groups.values[groups.count++] = static_cast<std::uint16_t>((*v4)[0] << 8 | (*v4)[1]);
            groups.values[groups.count++] = static_cast<std::uint16_t>((*v4)[2] << 8 | (*v4)[3]);
            return groups;
        }
        const auto value = read_group(part);
        if (!value || groups.count == 8) return std::nullopt;
        groups.values[groups.count++] = *value;
        if (more) text.remove_prefix(colon + 1);
    }
    return groups;
}

std::optional<std::array<std::uint8_t, 16>> read_v6(std::string_view text) {
    const auto gap = text.find("::");
    const bool whole = gap == std::string_view::npos;
    const auto head = read_groups(text.substr(0, gap), whole);
    const auto tail = read_groups(whole ? std::string_view{} : text.substr(gap + 2), true);
    if (!head || !tail) return std::nullopt;
    const auto count = head->count + tail->count;
    if (whole ? count != 8 : count > 7) return std::nullopt;
    std::array<std::uint16_t, 8> groups{};
    std::copy_n(head->values.begin(), head->count, groups.begin());
    std::copy_n(tail->values.begin(), tail->count,
                groups.end() - static_cast<std::ptrdiff_t>(tail->count));
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
        bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
    }
    return bytes;
}

/// The longest run of zero groups, two at least, the first of equals (RFC 5952 §4.2): {begin, end}.
std::pair<std::size_t, std::size_t> zero_run(const std::array<std::uint16_t, 8>& groups) {
    std::pair<std::size_t, std::size_t> best{8, 8};
    std::size_t size = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t end = i;
        while (end < 8 && groups[end] == 0) ++end;
        if (end - i > size) {
            best = {i, end};
            size = end - i;
        }
        i = std::max(i, end);
    }
    return best;
}

}  // namespace

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
    IpAddress address;
    std::ranges::copy(bytes, address.bytes_.begin());
    return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
    if (std::ranges::equal(bytes.first<12>(), mapped_prefix)) return v4(bytes.last<4>());
    IpAddress address;
    std::ranges::copy(bytes, address.bytes_.begin());
    address.is_v4_ = false;
    return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.contains(':')) {
        const auto bytes = read_v6(text);
        if (!bytes) return malformed();
        return v6(*bytes);
    }
    const auto bytes = read_v4(text);
    if (!bytes) return malformed();
    return v4(*bytes);
}

bool IpAddress::is_loopback() const {
    if (is_v4_) return bytes_[0] == 127;
    return bytes_[15] == 1 &&
           std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; });
}

bool IpAddress::is_unspecified() const {
    return std::ranges::all_of(bytes_, [](auto b) { return b == 0; });
}

IpAddress IpAddress::masked(int prefix) const {
    auto address = *this;
    const auto whole = static_cast<std::size_t>(prefix / 8);
    if (whole >= address.bytes_.size()) return address;
    address.bytes_[whole] &= static_cast<std::uint8_t>(0xff00 >> (prefix % 8));
    std::fill(address.bytes_.begin() + static_cast<std::ptrdiff_t>(whole) + 1, address.bytes_.end(),
              std::uint8_t{0});
    return address;
}

std::string IpAddress::text() const {
    std::string out;
    if (is_v4_) {
        for (std::size_t i = 0; i < 4; ++i) {
            if (i != 0) out += '.';
            out += std::to_string(bytes_[i]);
        }
        return out;
    }
    std::array<std::uint16_t, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i)
        groups[i] = static_cast<std::uint16_t>(bytes_[2 * i] << 8 | bytes_[2 * i + 1]);
    const auto [begin, end] = zero_run(groups);
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == begin) {
            out += "::";
            i = end - 1;
            continue;
        }
        if (i != 0 && i != end) out += ':';
        std::array<char, 4> digits{};
        const auto written =
            std::to_chars(digits.data(), digits.data() + digits.size(), groups[i], 16);
        out.append(digits.data(), written.ptr);
    }
    return out;
}

Result<Cidr> Cidr::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = text.substr(0, slash);
    Cidr block;
    GH_TRY(block.network_, IpAddress::parse(address));
    block.prefix_ = block.network_.bits();
    if (slash == std::string_view::npos) return block;
    const bool mapped = block.network_.is_v4() && address.contains(':');
    const auto prefix = small_number(text.substr(slash + 1), mapped ? 128 : block.network_.bits());
    if (!prefix || (mapped && *prefix < 96)) {
        return fail(ErrorKind::invalid_argument, "ip.prefix",
                    "not a prefix length: " + std::string(text));
    }
    block.prefix_ = mapped ? *prefix - 96 : *prefix;
    if (const auto masked = block.network_.masked(block.prefix_); masked != block.network_) {
        return fail(ErrorKind::invalid_argument, "ip.host_bits",
                    "bits beyond the prefix; the block is " + masked.text() + "/" +
                        std::to_string(block.prefix_));
    }
    return block;
}

std::string Cidr::text() const { return network_.text() + "/" + std::to_string(prefix_); }

}  // namespace gh::codec
