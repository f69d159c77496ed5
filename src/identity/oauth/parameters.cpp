#include "identity/oauth/parameters.hpp"

#include <algorithm>
#include <array>

#include "base/try.hpp"
#include "codec/percent.hpp"
#include "codec/utf8.hpp"
#include "crypto/secret.hpp"
#include "identity/names.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/uri.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::array<std::string_view, 2> repeatable{"resource", "audience"};

bool repeated(const codec::Form& form) {
    const auto& pairs = form.pairs();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (std::ranges::find(repeatable, pairs[i].first) != repeatable.end()) continue;
        for (std::size_t j = 0; j < i; ++j) {
            if (pairs[i].first == pairs[j].first) return true;
        }
    }
    return false;
}

}  // namespace

Result<Parameters> Parameters::read(std::string_view text) {
    auto form = codec::parse_form(text, {.bytes_max = bytes_max, .pairs_max = pairs_max});
    if (!form) return refuse("oauth.malformed", std::string(form.error().reason));
    if (repeated(*form)) return refuse("oauth.malformed", "a parameter twice");
    for (const auto& [name, value] : form->pairs()) {
        if (value.size() > value_bytes_max || codec::has_control_character(name) ||
            codec::has_control_character(value)) {
            return refuse("oauth.malformed", "a parameter that cannot be");
        }
    }
    return Parameters((*std::move(form)).take());
}

Parameters::~Parameters() {
    for (auto& [name, value] : pairs_) crypto::wipe(value.data(), value.size());
}

std::string_view Parameters::operator[](std::string_view name) const {
    const auto found = std::ranges::find(pairs_, name, &codec::Form::Pair::first);
    return found == pairs_.end() ? std::string_view{} : std::string_view(found->second);
}

std::vector<std::string> Parameters::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [each, value] : pairs_) {
        if (each == name && !value.empty()) values.push_back(value);
    }
    return values;
}

Result<std::string> Parameters::required(std::string_view name) const {
    const auto value = (*this)[name];
    if (value.empty()) return refuse("oauth.parameter_missing", std::string(name));
    return std::string(value);
}

std::string Parameters::query() const {
    std::string text;
    for (const auto& [name, value] : pairs_) {
        if (!text.empty()) text += '&';
        text += codec::percent_encode(name) + "=" + codec::percent_encode(value);
    }
    return text;
}

Result<std::vector<std::string>> read_scopes(std::string_view text) {
    auto scopes = split_names(text, ' ');
    if (scopes.size() > scopes_max || !std::ranges::all_of(scopes, valid_scope))
        return refuse("oauth.scope");
    std::ranges::sort(scopes);
    const auto [first, last] = std::ranges::unique(scopes);
    scopes.erase(first, last);
    return scopes;
}

Result<std::vector<std::string>> read_resources(std::vector<std::string> all) {
    std::ranges::sort(all);
    const auto [first, last] = std::ranges::unique(all);
    all.erase(first, last);
    if (all.size() > resources_max || !std::ranges::all_of(all, valid_resource))
        return refuse("oauth.resource");
    return all;
}

}  // namespace gh::identity::oauth
