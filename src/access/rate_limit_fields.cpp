#include "access/rate_limit_fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

namespace gh::access {
namespace {

/// Appends items to a buffer, each whole or not at all.
class FieldWriter {
 public:
    explicit FieldWriter(std::span<char> out) : out_(out) {}

    void begin_item(std::string_view name) {
        fits_ = true;
        at_ = kept_;
        if (kept_ > 0) text(", ");
        byte('"');
        for (const char c : name) {  // sf-string, RFC 9651 §3.3.3
            if (c == '"' || c == '\\') byte('\\');
            byte(c >= ' ' && c <= '~' ? c : '?');
        }
        byte('"');
    }
    void parameter(std::string_view key, std::uint32_t value) {
        text(key);
        std::array<char, 10> digits;
        const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
        text({digits.data(), static_cast<std::size_t>(end - digits.data())});
    }
    void end_item() {
        if (fits_) kept_ = at_;
    }
    [[nodiscard]] std::string_view written() const { return {out_.data(), kept_}; }

 private:
    void byte(char c) { text({&c, 1}); }
    void text(std::string_view part) {
        fits_ = fits_ && part.size() <= out_.size() - at_;
        if (!fits_) return;
        std::memcpy(out_.data() + at_, part.data(), part.size());
        at_ += part.size();
    }

    std::span<char> out_;
    std::size_t at_ = 0;
    std::size_t kept_ = 0;  ///< end of the last whole item
    bool fits_ = true;
};

std::uint32_t seconds_up(std::chrono::nanoseconds window) {
    return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(window).count());
}

}  // namespace

std::string_view write_rate_limit_policy(std::span<const NamedDecision> items,
                                         std::span<char> out) {
    FieldWriter writer(out);
    for (const auto& item : items) {
        writer.begin_item(item.name);
        writer.parameter(";q=", item.limit->requests());
        writer.parameter(";w=", seconds_up(item.limit->window()));
        writer.end_item();
    }
    return writer.written();
}

std::string_view write_rate_limit(std::span<const NamedDecision> items, std::span<char> out) {
    FieldWriter writer(out);
    for (const auto& item : items) {
        writer.begin_item(item.name);
        writer.parameter(";r=", item.decision.remaining);
        writer.parameter(";t=", item.decision.reset_seconds);
        writer.end_item();
    }
    return writer.written();
}

std::uint32_t retry_after_seconds(std::span<const NamedDecision> items) {
    std::uint32_t longest = 0;
    for (const auto& item : items) longest = std::max(longest, item.decision.retry_after_seconds);
    return longest;
}

}  // namespace gh::access
