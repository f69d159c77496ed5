#include "codec/form.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_set>

#include "base/try.hpp"
#include "codec/percent.hpp"
#include "codec/utf8.hpp"

namespace gh::codec {
namespace {

Result<std::string> decode(std::string_view text) {
    std::string spaced(text);
    for (char& c : spaced) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (byte <= ' ' || byte >= 0x7f)
            return fail(ErrorKind::invalid_argument, "form.characters");
        if (c == '+') c = ' ';
    }
    GH_TRY(auto bytes, percent_decode(spaced));
    if (!is_utf8(bytes)) return fail(ErrorKind::invalid_argument, "form.not_utf8");
    return bytes;
}

}  // namespace

const std::string* Form::find(std::string_view name) const {
    const auto found = std::ranges::find(pairs_, name, &Pair::first);
    return found == pairs_.end() ? nullptr : &found->second;
}

const std::string* Form::duplicate() const {
    std::unordered_set<std::string_view> seen;
    for (const auto& [name, value] : pairs_) {
        if (!seen.insert(name).second) return &name;
    }
    return nullptr;
}

Result<Form> parse_form(std::string_view text, FormLimits limits) {
    if (text.size() > limits.bytes_max) return fail(ErrorKind::invalid_argument, "form.too_large");
    Form form;
    while (!text.empty()) {
        const auto piece = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), piece.size() + 1));
        if (piece.empty()) continue;
        if (form.pairs_.size() == limits.pairs_max)
            return fail(ErrorKind::invalid_argument, "form.too_many");
        const auto equals = std::min(piece.find('='), piece.size());
        GH_TRY(auto name, decode(piece.substr(0, equals)));
        GH_TRY(auto value, decode(piece.substr(std::min(piece.size(), equals + 1))));
        form.pairs_.emplace_back(std::move(name), std::move(value));
    }
    return form;
}

}  // namespace gh::codec
