#include <algorithm>
#include <string>
#include <utility>

#include "app/inherited_variable.hpp"
#include "bus/config.hpp"

namespace gh::app::inherited {
namespace {

constexpr std::string_view suffix = "_MAX_CONVERSATION_MESSAGES";

std::optional<std::int64_t> limit_of(const Overlay& overlay, std::string_view value) {
    return whole_number(overlay, value, 0, bus::conversation_messages_most);
}

}  // namespace

void conversation_messages(const Overlay& overlay, std::string_view value) {
    if (const auto limit = limit_of(overlay, value))
        overlay.settings.bus.conversation_messages_max = *limit;
    overlay.decide("bus.conversation_messages_max");
}

bool is_conversation_limit(std::string_view variable) {
    return variable.size() > suffix.size() && variable.ends_with(suffix);
}

void conversation_messages_of(const Overlay& overlay, std::string_view value) {
    const auto name =
        std::string(overlay.variable.substr(0, overlay.variable.size() - suffix.size()));
    const auto limit = limit_of(overlay, value);
    if (!limit) return;
    auto& all = overlay.settings.bus.conversation_messages_max_of;
    std::erase_if(all, [&](const auto& each) { return bus::plain_name(each.first) == name; });
    all.emplace_back(name, *limit);
    overlay.decide("bus.conversation_messages_max_of." + name);
}

}  // namespace gh::app::inherited
