#include "gateway/proxy/hidden_texts.hpp"

#include <string.h>

#include <algorithm>

#include "base/arena.hpp"
#include "codec/base64.hpp"
#include "codec/percent.hpp"

namespace gh::gateway::proxy {
namespace {

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
    std::string out;
    for (const char c : text) {
        if (what.contains(c)) {
            out += with;
        } else {
            out += c;
        }
    }
    return out;
}

/// "%2F" as "%2f".
std::string lower_escapes(std::string text) {
    for (std::size_t i = 0; i + 2 < text.size(); ++i) {
        if (text[i] != '%') continue;
        for (auto at : {i + 1, i + 2}) {
            if (text[at] >= 'A' && text[at] <= 'F') text[at] = static_cast<char>(text[at] + 32);
        }
    }
    return text;
}

std::string for_json(std::string_view text, std::string_view escaped) {
    std::string out;
    for (const char c : text) {
        if (escaped.contains(c)) out += '\\';
        out += c;
    }
    return out;
}

std::string for_html(std::string_view text, std::string_view quote, std::string_view apostrophe) {
    auto out = replaced(text, "&", "&amp;");
    out = replaced(out, "<", "&lt;");
    out = replaced(out, ">", "&gt;");
    out = replaced(out, "\"", quote);
    return replaced(out, "'", apostrophe);
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

}  // namespace

HiddenTexts::HiddenTexts(const InjectConfig& inject) {
    if (!inject.hide) return;
    for (const auto& header : inject.headers) {
        for (const auto& part : header.parts) {
            for (const auto& range : part.referenced)
                add(std::string_view(part.text).substr(range.begin, range.size));
        }
    }
}

void HiddenTexts::add(std::string_view secret) {
    if (secret.size() < bytes_min) return;
    add_form(std::string(secret));
    for (std::size_t in_front = 0; in_front < 3; ++in_front) {
        add_form(within_base64(secret, in_front, false));
        add_form(within_base64(secret, in_front, true));
    }
    const auto percent = codec::percent_encode(secret);
    add_form(percent);
    add_form(lower_escapes(percent));
    std::string form = percent;
    for (auto at = form.find("%20"); at != form.npos; at = form.find("%20", at))
        form.replace(at, 3, "+");
    add_form(form);
    add_form(for_json(secret, "\"\\"));
    add_form(for_json(secret, "\"\\/"));
    add_form(for_html(secret, "&quot;", "&#39;"));
    add_form(for_html(secret, "&#34;", "&#x27;"));
    if (const auto decoded = codec::decode_base64(secret); decoded && decoded->size() >= bytes_min)
        add_form(*decoded);
}

void HiddenTexts::add_form(std::string form) {
    if (form.size() < bytes_min) return;
    config::Secret kept(std::move(form));
    if (std::ranges::find(forms_, kept) != forms_.end()) return;
    longest_ = std::max(longest_, kept.view().size());
    forms_.push_back(std::move(kept));
}

void HiddenTexts::cover(std::string_view text, std::span<char> covered) const {
    for (const auto& form : forms_) {
        const auto wanted = form.view();
        for (std::size_t from = 0; from + wanted.size() <= text.size();) {
            const void* found =
                ::memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
            if (found == nullptr) break;
            const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
            std::ranges::fill(covered.subspan(at, wanted.size()), '\1');
            from = at + 1;
        }
    }
}

void HiddenTexts::hide(std::span<char> text) const {
    std::string covered(text.size(), '\0');
    cover({text.data(), text.size()}, covered);
    for (std::size_t i = 0; i < text.size(); ++i)
        if (covered[i] != '\0') text[i] = '*';
}

bool HiddenTexts::within(std::string_view text) const {
    return std::ranges::any_of(forms_,
                               [text](const auto& form) { return text.contains(form.view()); });
}

std::size_t HiddenTexts::tail(std::string_view text) const {
    if (longest_ == 0) return 0;
    for (auto size = std::min(text.size(), longest_ - 1); size > 0; --size) {
        const auto end = text.substr(text.size() - size);
        const bool begins = std::ranges::any_of(forms_, [end](const auto& form) {
            return form.view().size() > end.size() && form.view().starts_with(end);
        });
        if (begins) return size;
    }
    return 0;
}

bool Hiding::may_pass(const http::ResponseHead& head) const {
    if (texts_ == nullptr) return true;
    if (head.body.kind == http::Framing::tunnel) return false;
    return std::ranges::all_of(head.fields, [](const http::Field& field) {
        return field.id != http::FieldId::content_encoding ||
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
    text_.erase(0, text_.size() - held_);
    covered_.erase(0, covered_.size() - held_);
    text_ += bytes;
    covered_.resize(text_.size(), '\0');
    texts_->cover(text_, covered_);
    held_ = last ? 0 : texts_->tail(text_);
    shown_.assign(text_, 0, text_.size() - held_);
    for (std::size_t i = 0; i < shown_.size(); ++i)
        if (covered_[i] != '\0') shown_[i] = '*';
    return shown_;
}

}  // namespace gh::gateway::proxy
