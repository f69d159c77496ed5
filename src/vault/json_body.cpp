#include "vault/json_body.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "base/try.hpp"
#include "vault/kv_json.hpp"

namespace gh::vault::kv {

using codec::json::Node;
using codec::json::Outline;

std::unexpected<Error> refused_body(std::string detail) {
    return fail(ErrorKind::invalid_argument, "kv.body", std::move(detail));
}

namespace {

Result<Outline> outline_of(std::string_view body) {
    auto outline = Outline::borrow(body, {.bytes_max = std::max<std::size_t>(body.size(), 1)});
    if (!outline || !outline->root().is_object())
        return refused_body("the body is no JSON object that can be read");
    return outline;
}

}  // namespace

Result<void> read_any_object(std::string_view body) {
    GH_TRY_VOID(outline_of(body));
    return {};
}

Result<Outline> read_object(std::string_view body,
                            std::initializer_list<std::string_view> members) {
    GH_TRY(auto outline, outline_of(body));
    for (const auto& [name, value] : members_of(body)) {
        if (std::ranges::find(members, name) == members.end())
            return refused_body("the body has a member that is not taken here");
    }
    return outline;
}

Result<Outline> read_optional_object(std::string_view body,
                                     std::initializer_list<std::string_view> members) {
    return read_object(body.empty() ? "{}" : body, members);
}

bool says_something(const Node* node) { return node != nullptr && !node->is_null(); }

std::optional<std::uint64_t> number_of(const Node& node) {
    if (const auto whole = node.integer()) {
        if (*whole < 0) return {};
        return static_cast<std::uint64_t>(*whole);
    }
    const auto text = node.string();
    if (!text) return {};
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size() || number < 0) return {};
    return static_cast<std::uint64_t>(number);
}

std::optional<bool> truth_of(const Node& node) {
    if (const auto told = node.boolean()) return told;
    const auto text = node.string();
    if (text == "true") return true;
    if (text == "false") return false;
    return {};
}

std::optional<seconds> duration_of(std::string_view text) {
    if (text.empty()) return {};
    std::int64_t whole = 0;
    const auto* const last = text.data() + text.size();
    const auto [stop, wrong] = std::from_chars(text.data(), last, whole);
    if (wrong == std::errc() && stop == last) {
        if (whole < 0) return {};
        return std::min(seconds(whole), duration_max + seconds(1));
    }
    constexpr std::pair<char, std::int64_t> units[] = {
        {'d', 86'400}, {'h', 3'600}, {'m', 60}, {'s', 1}};
    std::int64_t sum = 0;
    for (const auto& [unit, length] : units) {
        std::uint32_t count = 0;
        const auto [end, error] = std::from_chars(text.data(), last, count);
        if (error != std::errc() || end == last || *end != unit) continue;
        sum += count * length;
        text.remove_prefix(static_cast<std::size_t>(end + 1 - text.data()));
    }
    if (!text.empty()) return {};
    return std::min(seconds(sum), duration_max + seconds(1));
}

std::optional<seconds> duration_of(const Node& node) {
    if (const auto text = node.string()) return duration_of(*text);
    const auto whole = node.integer();
    if (!whole || *whole < 0) return {};
    return std::min(seconds(*whole), duration_max + seconds(1));
}

}  // namespace gh::vault::kv
