#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gh::config {

/// Where the first byte stands that is not part of well-formed UTF-8 (RFC 3629 §4) or is a control character other
/// than tab, line feed and carriage return; nothing when there is none.
[[nodiscard]] std::optional<std::size_t> find_unreadable(std::string_view text);

/// Would a YAML reader take this plain scalar for a number, a boolean or nothing (YAML 1.2.2 §10.3.2)?
[[nodiscard]] bool reads_as_other_than_text(std::string_view plain);

/// A JSON string (RFC 8259 §7) in quotes; also a double-quoted YAML scalar.
[[nodiscard]] std::string json_string(std::string_view text);

[[nodiscard]] std::string lower(std::string_view text);
/// Without blanks and tabs at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

}  // namespace gh::config
