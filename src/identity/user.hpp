#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace gh::identity {

inline constexpr std::size_t user_name_bytes_max = 128;
inline constexpr std::size_t email_bytes_max = 254;  // RFC 5321 §4.5.3.1.3, without brackets
inline constexpr std::size_t user_roles_max = 32;

/// Letters, digits and ".", "_", "@", "+", "-" of ASCII, beginning with a letter or digit: two names that look alike are
/// the same name.
[[nodiscard]] bool valid_user_name(std::string_view name);
/// What names are compared by: case does not tell people apart.
[[nodiscard]] std::string folded(std::string_view name);
/// Keys that nobody has made belong to these: no user is called so.
[[nodiscard]] bool of_the_house(std::string_view name);
/// Custom roles too: a-z, 0-9, "_", "-", ":" and ".", at most 64, beginning with a letter.
[[nodiscard]] bool valid_role_name(std::string_view name);

/// A person, or a program that signs in like one.
struct User {
    std::string id;  ///< UUIDv7; what tokens name as `sub` is the name
    std::string name;
    std::optional<std::string> email;
    std::vector<std::string> roles;  ///< sorted
    bool password_change_required = false;
    std::optional<SystemTime> disabled_at;
    SystemTime tokens_valid_from;  ///< tokens issued before are void
    std::int64_t version = 1;      ///< grows with every change: the ETag
    SystemTime created_at;
    SystemTime updated_at;
};

}  // namespace gh::identity
