#include "bus/message.hpp"

#include <algorithm>

#include "access/principal.hpp"
#include "codec/uuid.hpp"

namespace gh::bus {
namespace {

constexpr std::array<std::string_view, kinds.size()> kind_names{"message", "notification", "task"};
constexpr std::array<std::string_view, states.size()> state_names{"waiting", "done", "dead",
                                                                  "expired"};

template <class E, std::size_t count>
std::optional<E> named(const std::array<std::string_view, count>& names,
                       const std::array<E, count>& all, std::string_view name) {
    const auto* found = std::ranges::find(names, name);
    if (found == names.end()) return {};
    return all[static_cast<std::size_t>(found - names.begin())];
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string_view name_of(Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }
std::optional<Kind> kind_of(std::string_view name) { return named(kind_names, kinds, name); }
std::string_view name_of(State state) { return state_names[static_cast<std::size_t>(state)]; }
std::optional<State> state_of(std::string_view name) { return named(state_names, states, name); }

bool is_same(const Message& known, const Draft& draft) {
    return known.kind == draft.kind && known.recipient == draft.recipient &&
           known.sender == draft.sender && known.conversation_id == draft.conversation_id &&
           known.type == draft.type && known.body == draft.body &&
           known.deliver_at == draft.deliver_at && known.expires_at == draft.expires_at;
}

bool is_uuid_v4(std::string_view text) {
    return codec::is_uuid(text) && text[14] == '4' && std::string_view("89ab").contains(text[19]);
}

bool valid_address(std::string_view text) {
    return !text.empty() && text.size() <= address_bytes_max &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_address_of_others(std::string_view text) {
    using access::PrincipalType;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
    static constexpr std::array types{PrincipalType::user,        PrincipalType::api_key,
                                      PrincipalType::agent,       PrincipalType::service,
                                      PrincipalType::certificate, PrincipalType::delegated};
    const auto type = text.substr(0, colon);
    return std::ranges::any_of(types, [type](auto one) { return access::name_of(one) == type; });
}

bool valid_type(std::string_view text) {
    return !text.empty() && text.size() <= type_bytes_max && is_lower_or_digit(text.front()) &&
           std::ranges::all_of(text, [](char c) {
               return is_lower_or_digit(c) || std::string_view("_-./").contains(c);
           });
}

}  // namespace gh::bus
