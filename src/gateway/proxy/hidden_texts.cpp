#include "gateway/proxy/hidden_texts.hpp"

#include <algorithm>
#include <utility>

#include "base/arena.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"

namespace gh::gateway::proxy {
namespace {

// "\u002B", "&#x002B;": no octet takes more. Zeros in front and backslashes are bounded so.
constexpr std::size_t escape_bytes_max = 8;

constexpr bool is_visible(char c) { return c >= 0x20 && c < 0x7f; }

constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Two digits for this octet at the beginning?
bool is_hex_of(std::string_view text, char octet) {
    return text.size() >= 2 && hex_value(text[0]) >= 0 && hex_value(text[1]) >= 0 &&
           static_cast<char>(hex_value(text[0]) * 16 + hex_value(text[1])) == octet;
}

/// RFC 3986 §2.1, also of what was escaped before. @return octets of the text, 0: it is not
std::size_t match_percent(std::string_view text, char octet) {
    if (is_hex_of(text.substr(1), octet)) return 3;
    return text.starts_with("%25") && is_hex_of(text.substr(3), octet) ? 5 : 0;
}

/// RFC 8259 §7, also within a string that is one again.
std::size_t match_backslash(std::string_view text, char octet) {
    const auto end = std::min(text.find_first_not_of('\\'), text.size());
    const auto rest = text.substr(end);
    if (rest.starts_with("u00") && end <= 3 && is_hex_of(rest.substr(3), octet)) return end + 5;
    return !rest.empty() && rest[0] == octet && end < escape_bytes_max ? end + 1 : 0;
}

/// Character references of HTML.
std::size_t match_reference(std::string_view text, char octet) {
    constexpr std::pair<std::string_view, char> names[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (const auto& [name, meaning] : names)
        if (meaning == octet && text.starts_with(name)) return name.size();
    if (!text.starts_with("&#")) return 0;
    const bool hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
    std::size_t at = hex ? 3 : 2;
    int value = 0;
    for (; at < text.size() && at + 1 < escape_bytes_max && hex_value(text[at]) >= 0; ++at)
        value = value * (hex ? 16 : 10) + hex_value(text[at]);
    return at < text.size() && text[at] == ';' && value == static_cast<unsigned char>(octet)
               ? at + 1
               : 0;
}

std::size_t match_escape(std::string_view text, char octet) {
    switch (text[0]) {
        case '%': return match_percent(text, octet);
        case '\\': return match_backslash(text, octet);
        case '&': return match_reference(text, octet);
        case '+': return octet == ' ' ? 1 : 0;
        default: return 0;
    }
}

/// @param escapes_first  where an octet of the form could also begin an escape
/// @return octets of the text that are the form, 0: it does not begin with it
std::size_t match_form(std::string_view text, std::string_view form, bool escapes_first) {
    std::size_t at = 0;
    for (const char octet : form) {
        if (at >= text.size()) return 0;
        const auto rest = text.substr(at);
        auto octets = rest[0] == octet ? std::size_t{1} : std::size_t{0};
        if (octets == 0 || escapes_first) {
            if (const auto escape = match_escape(rest, octet); escape > 0) octets = escape;
        }
        if (octets == 0) return 0;
        at += octets;
    }
    return at;
}

/// What of the base64 of a longer text depends on this part alone, where so many octets (modulo 3) stand in front of it.
std::string within_base64(std::string_view text, std::size_t in_front, bool url) {
    constexpr std::size_t shared[] = {0, 2,
                                      3};  // characters at the beginning that others have a part in
    const auto padded = std::string(in_front, '\0') + std::string(text);
    const auto encoded = url ? codec::encode_base64url(padded) : codec::encode_base64(padded);
    const auto end = padded.size() * 8 / 6;
    return encoded.substr(shared[in_front], end - shared[in_front]);
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    return text;
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

}  // namespace

void HiddenTexts::add(const InjectConfig& inject) {
    if (!inject.hide) return;
    for (const auto& header : inject.headers) {
        for (const auto& part : header.parts) {
            for (const auto& range : part.referenced)
                add_text(std::string_view(part.text).substr(range.begin, range.size), true);
        }
    }
}

void HiddenTexts::add_text(std::string_view secret, bool decode) {
    secret = trimmed(secret);
    if (secret.size() < bytes_min || !std::ranges::all_of(secret, is_visible)) return;
    add_form(std::string(secret));
    for (std::size_t in_front = 0; in_front < 3; ++in_front) {
        add_form(within_base64(secret, in_front, false));
        add_form(within_base64(secret, in_front, true));
    }
    const auto hex = codec::encode_hex(secret);
    add_form(hex);
    add_form(upper(hex));
    // "Bearer TOKEN", "user:password"
    for (const char mark : {' ', ':'}) {
        if (const auto at = secret.find(mark); at != secret.npos)
            add_text(secret.substr(at + 1), decode);
    }
    if (!decode) return;
    if (const auto decoded = codec::decode_base64(secret)) add_text(*decoded, false);
}

void HiddenTexts::add_form(std::string form) {
    if (form.size() < bytes_min) return;
    config::Secret kept(std::move(form));
    if (std::ranges::find(forms_, kept) != forms_.end()) return;
    longest_ = std::max(longest_, escape_bytes_max * kept.view().size());
    const auto index = static_cast<std::uint16_t>(forms_.size());
    for (const char first : {kept.view()[0], '%', '\\', '&', '+'}) {
        auto& list = beginning_[static_cast<unsigned char>(first)];
        if (list.empty() || list.back() != index) list.push_back(index);
    }
    forms_.push_back(std::move(kept));
}

std::size_t HiddenTexts::match(std::string_view text) const {
    std::size_t longest = 0;
    for (const auto index : beginning_[static_cast<unsigned char>(text[0])]) {
        const auto form = forms_[index].view();
        for (const bool escapes_first : {false, true})
            longest = std::max(longest, match_form(text, form, escapes_first));
    }
    return longest;
}

void HiddenTexts::cover(std::string_view text, std::span<char> covered) const {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (const auto octets = match(text.substr(at)); octets > 0)
            std::ranges::fill(covered.subspan(at, octets), '\1');
    }
}

void HiddenTexts::hide(std::span<char> text) const {
    std::string covered(text.size(), '\0');
    cover({text.data(), text.size()}, covered);
    for (std::size_t i = 0; i < text.size(); ++i)
        if (covered[i] != '\0') text[i] = '*';
}

bool HiddenTexts::within(std::string_view text) const {
    for (std::size_t at = 0; at < text.size(); ++at)
        if (match(text.substr(at)) > 0) return true;
    return false;
}

std::size_t HiddenTexts::tail(std::string_view text) const {
    // None holds a control character or an octet above 126, in whatever form: lines and events go on at once.
    const auto most = longest_ == 0 ? 0 : std::min(text.size(), longest_ - 1);
    std::size_t octets = 0;
    while (octets < most && is_visible(text[text.size() - 1 - octets])) ++octets;
    return octets;
}

bool Hiding::may_pass(const http::ResponseHead& head) const {
    if (texts_ == nullptr || head.body.kind == http::Framing::none) return true;
    if (head.body.kind == http::Framing::tunnel || head.status == 206) return false;
    return std::ranges::all_of(head.fields, [](const http::Field& field) {
        return field.id != http::FieldId::content_encoding || field.value.empty() ||
               http::equals_ignoring_case(field.value, "identity");
    });
}

void Hiding::pass(http::ResponseHead& head, Arena& arena) const {
    if (texts_ == nullptr) return;
    if (texts_->within(head.reason)) head.reason = {};
    pass(head.fields, arena);
}

void Hiding::pass(http::Fields& fields, Arena& arena) const {
    if (texts_ == nullptr) return;
    fields.remove_if([this](const http::Field& field) { return texts_->within(field.name); });
    for (auto& field : fields) {
        if (!texts_->within(field.value)) continue;
        char* const copy = arena.allocate(field.value.size());
        std::ranges::copy(field.value, copy);
        texts_->hide({copy, field.value.size()});
        field.value = {copy, field.value.size()};
    }
}

std::string_view Hiding::pass(std::string_view bytes, bool last) {
    if (texts_ == nullptr) return bytes;
    // One of each a thread: an exchange keeps what it holds back, and no more.
    thread_local std::string text, covered;
    text.assign(text_).append(bytes);
    covered.assign(covered_).resize(text.size(), '\0');
    texts_->cover(text, covered);
    const auto shown = text.size() - (last ? 0 : texts_->tail(text));
    text_.assign(text, shown);
    covered_.assign(covered, shown);
    for (std::size_t i = 0; i < shown; ++i)
        if (covered[i] != '\0') text[i] = '*';
    return std::string_view(text).substr(0, shown);
}

}  // namespace gh::gateway::proxy
