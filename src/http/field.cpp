#include "http/field.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace gh::http {
namespace {

struct KnownName {
    std::string_view text;
    FieldId id;
};

constexpr KnownName known_names[] = {
    {"accept", FieldId::accept},
    {"access-control-request-headers", FieldId::access_control_request_headers},
    {"access-control-request-method", FieldId::access_control_request_method},
    {"authorization", FieldId::authorization},
    {"cache-control", FieldId::cache_control},
    {"cf-connecting-ip", FieldId::forwarding_claim},
    {"cf-connecting-ipv6", FieldId::forwarding_claim},
    {"client-ip", FieldId::forwarding_claim},
    {"connection", FieldId::connection},
    {"content-encoding", FieldId::content_encoding},
    {"content-length", FieldId::content_length},
    {"content-security-policy", FieldId::content_security_policy},
    {"content-type", FieldId::content_type},
    {"cookie", FieldId::cookie},
    {"date", FieldId::date},
    {"dpop", FieldId::dpop},
    {"expect", FieldId::expect},
    {"fastly-client-ip", FieldId::forwarding_claim},
    {"forwarded", FieldId::forwarded},
    {"front-end-https", FieldId::forwarding_claim},
    {"host", FieldId::host},
    {"keep-alive", FieldId::keep_alive},
    {"location", FieldId::location},
    {"origin", FieldId::origin},
    {"proxy", FieldId::proxy},
    {"proxy-authenticate", FieldId::proxy_authenticate},
    {"proxy-authorization", FieldId::proxy_authorization},
    {"proxy-client-ip", FieldId::forwarding_claim},
    {"proxy-connection", FieldId::proxy_connection},
    {"retry-after", FieldId::retry_after},
    {"sec-websocket-key", FieldId::sec_websocket_key},
    {"server", FieldId::server},
    {"strict-transport-security", FieldId::strict_transport_security},
    {"te", FieldId::te},
    {"traceparent", FieldId::traceparent},
    {"tracestate", FieldId::tracestate},
    {"trailer", FieldId::trailer},
    {"transfer-encoding", FieldId::transfer_encoding},
    {"true-client-ip", FieldId::forwarding_claim},
    {"upgrade", FieldId::upgrade},
    {"user-agent", FieldId::user_agent},
    {"vary", FieldId::vary},
    {"via", FieldId::via},
    {"wl-proxy-client-ip", FieldId::forwarding_claim},
    {"x-api-key", FieldId::x_api_key},
    {"x-correlation-id", FieldId::x_correlation_id},
    {"x-forwarded-for", FieldId::x_forwarded_for},
    {"x-forwarded-host", FieldId::x_forwarded_host},
    {"x-forwarded-proto", FieldId::x_forwarded_proto},
    {"x-request-id", FieldId::x_request_id},
};

/// With the other names of X-Forwarded-*, what proxies say about a request in fields of their own.
constexpr std::string_view claims[] = {
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-uri",
    "x-original-url",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-url-scheme",
};

constexpr std::size_t name_bytes_max = 32;

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// A known name laid out for comparison: (byte | mask) == text, where mask is 0x20 under letters
/// only.
struct Slot {
    std::array<char, name_bytes_max> text{};
    std::array<char, name_bytes_max> mask{};
    std::uint8_t size = 0;
    FieldId id = FieldId::other;
};

/// Perfect for the names above, which the table's construction proves.
constexpr std::size_t slot_of(std::size_t size, char first, char last) {
    const auto byte = [](char c) {
        return static_cast<std::size_t>(static_cast<unsigned char>(c) | 0x20U);
    };
    return (size * 6 + byte(first) * 47 + byte(last)) % 256;
}

consteval std::array<Slot, 256> make_slots() {
    std::array<Slot, 256> slots{};
    for (const auto& name : known_names) {
        auto& slot = slots[slot_of(name.text.size(), name.text.front(), name.text.back())];
        if (slot.size != 0 || name.text.size() > name_bytes_max)
            throw "find other multipliers for slot_of";
        for (std::size_t i = 0; i < name.text.size(); ++i) {
            slot.text[i] = name.text[i];
            slot.mask[i] = name.text[i] >= 'a' && name.text[i] <= 'z' ? 0x20 : 0;
        }
        slot.size = static_cast<std::uint8_t>(name.text.size());
        slot.id = name.id;
    }
    return slots;
}

constexpr auto slots = make_slots();

template <class Word>
Word load(const char* at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

template <class Word>
bool same_word(const char* text, const Slot& slot, std::size_t at) {
    return (load<Word>(text + at) | load<Word>(slot.mask.data() + at)) ==
           load<Word>(slot.text.data() + at);
}

/// Whole words, the last one overlapping the one before.
template <class Word>
bool same_words(const char* text, const Slot& slot) {
    std::size_t at = 0;
    for (; at + sizeof(Word) < slot.size; at += sizeof(Word)) {
        if (!same_word<Word>(text, slot, at)) return false;
    }
    return same_word<Word>(text, slot, slot.size - sizeof(Word));
}

bool matches(std::string_view name, const Slot& slot) {
    if (name.size() != slot.size) return false;
    if (slot.size >= 8) return same_words<std::uint64_t>(name.data(), slot);
    if (slot.size >= 4) return same_words<std::uint32_t>(name.data(), slot);
    return same_words<std::uint16_t>(name.data(), slot);
}

bool is_claim(std::string_view name) {
    constexpr std::string_view family = "x-forwarded";
    if (name.starts_with(family)) return name.size() == family.size() || name[family.size()] == '-';
    return std::ranges::find(claims, name) != std::end(claims);
}

/// Of a name that begins with X and was not found: x-gatehouse-anything, a claim, or a known name
/// with '_' for '-'.
FieldId extension_id(std::string_view name) {
    constexpr std::string_view own = "x-gatehouse-";
    std::array<char, name_bytes_max> dashed;
    const auto size = std::min(name.size(), dashed.size());
    for (std::size_t i = 0; i < size; ++i) dashed[i] = name[i] == '_' ? '-' : lower(name[i]);
    const std::string_view text(dashed.data(), size);
    if (text.starts_with(own)) return FieldId::x_gatehouse;
    if (name.size() == text.size()) {
        const auto& slot = slots[slot_of(text.size(), text.front(), text.back())];
        if (matches(text, slot)) return slot.id;
    }
    return is_claim(text) ? FieldId::forwarding_claim : FieldId::other;
}

}  // namespace

FieldId field_id(std::string_view name) {
    if (name.size() < 2) return FieldId::other;
    const auto& slot = slots[slot_of(name.size(), name.front(), name.back())];
    if (matches(name, slot)) return slot.id;
    return lower(name.front()) == 'x' ? extension_id(name) : FieldId::other;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

const Field* Fields::find(std::string_view name) const {
    for (const auto& line : lines_) {
        if (equals_ignoring_case(line.name, name)) return &line;
    }
    return nullptr;
}

}  // namespace gh::http
