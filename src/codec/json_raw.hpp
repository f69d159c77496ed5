#pragma once

#include <optional>
#include <string_view>
#include <vector>

// Parts of a JSON text as they stand in it: for what is kept as it came, numbers and white space included.

namespace gh::codec::json {

/// @param object  a text that parse() takes; one that it does not gives something within it, or nothing
/// @return the value of the member of this name, as it is spelt, views into `object`; nothing where there is none. A name
///         that is written with escapes is not found.
[[nodiscard]] std::optional<std::string_view> raw_member(std::string_view object,
                                                         std::string_view name);
/// The same for what an array holds; none where it is no array.
[[nodiscard]] std::vector<std::string_view> raw_elements(std::string_view array);

}  // namespace gh::codec::json
