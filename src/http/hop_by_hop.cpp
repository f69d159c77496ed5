#include "http/hop_by_hop.hpp"

#include <algorithm>
#include <vector>

#include "http/characters.hpp"

namespace gh::http {
namespace {

bool list_names(std::string_view list, std::string_view name) {
    for (auto element = next_element(list); !element.empty(); element = next_element(list)) {
        if (equals_ignoring_case(element, name)) return true;
    }
    return false;
}

/// The usual values of Connection name no field that is not hop-by-hop anyway.
bool names_nothing_else(std::string_view value) {
    for (auto element = next_element(value); !element.empty(); element = next_element(value)) {
        if (equals_ignoring_case(element, "close")) continue;
        if (!is_hop_by_hop(field_id(element))) return false;
    }
    return true;
}

}  // namespace

bool named_by_connection(const Fields& fields, const Field& field) {
    if (field.id != FieldId::other) return is_hop_by_hop(field.id);
    for (const auto& line : fields) {
        if (line.id == FieldId::connection && list_names(line.value, field.name)) return true;
    }
    return false;
}

void remove_hop_by_hop(Fields& fields) {
    // Kept aside, as removing moves the lines; empty for nearly everybody, so nothing is allocated.
    std::vector<std::string_view> lists;
    for (const auto& line : fields) {
        if (line.id == FieldId::connection && !names_nothing_else(line.value)) {
            lists.push_back(line.value);
        }
    }
    fields.remove_if([&lists](const Field& line) {
        if (line.id != FieldId::other) return is_hop_by_hop(line.id);
        return std::ranges::any_of(lists, [&](auto list) { return list_names(list, line.name); });
    });
}

}  // namespace gh::http
