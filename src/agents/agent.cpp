#include "agents/agent.hpp"

#include <algorithm>

namespace gh::agents {
namespace {

constexpr std::array<std::string_view, statuses.size()> names{"pending", "online",      "degraded",
                                                              "offline", "quarantined", "retired"};

constexpr std::uint8_t bit(Status status) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(status));
}

constexpr std::uint8_t everywhere = bit(Status::online) | bit(Status::degraded) |
                                    bit(Status::offline) | bit(Status::quarantined) |
                                    bit(Status::retired);

// Where the way leads from each, in the order of the enumeration.
constexpr std::array<std::uint8_t, statuses.size()> ways{
    bit(Status::online) | bit(Status::retired),  everywhere, everywhere, everywhere,
    bit(Status::offline) | bit(Status::retired), 0,
};

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool valid_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

}  // namespace

std::string_view name_of(Status status) { return names[static_cast<std::size_t>(status)]; }

std::optional<Status> status_of(std::string_view name) {
    const auto* found = std::ranges::find(names, name);
    if (found == names.end()) return {};
    return statuses[static_cast<std::size_t>(found - names.begin())];
}

bool may_move(Status from, Status to) {
    return from != to && (ways[static_cast<std::size_t>(from)] & bit(to)) != 0;
}

bool valid_hostname(std::string_view text) {
    if (text.empty() || text.size() > hostname_bytes_max) return false;
    while (true) {
        const auto dot = text.find('.');
        if (!valid_label(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

bool valid_word(std::string_view text) {
    return !text.empty() && is_letter_or_digit(text.front()) &&
           std::ranges::all_of(text, [](char c) {
               return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.' || c == '/';
           });
}

}  // namespace gh::agents
