#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/dotenv.hpp"
#include "config/secret.hpp"

/// Secrets in a `.env` file, and the file without them. All pure.
namespace gh::vault {

/// Is it meant to be known to few, judged by its name ("STRIPE_SECRET_KEY", not "TOKEN_TTL") and by its value (a password in
/// a URL or a connection string, a private key, a token in the shape that a known service gives it)? When in doubt it is: a
/// setting in the vault hurts nobody.
[[nodiscard]] bool is_secret_variable(std::string_view name, std::string_view value);

/// A variable whose value is a secret; that of its last line, as for who reads the file.
struct EnvSecret {
    std::string name;
    config::Secret value;
    std::uint32_t line = 0;
};

/// In the order of the file, each name once: those that is_secret_variable(), and those whose values took such a one in.
[[nodiscard]] std::vector<EnvSecret> secrets_of(
    std::span<const config::DotenvAssignment> assignments);

/// A name and the path that its value has in the vault.
struct MovedVariable {
    std::string name;
    std::string path;
};

/// The file with a comment where each line of these was, one that says where the value is; all else, octet by octet, as it is.
/// @param assignments  of `text`
[[nodiscard]] std::string without(std::string_view text,
                                  std::span<const config::DotenvAssignment> assignments,
                                  std::span<const MovedVariable> moved);

/// Lines of the text, counted from 1, that hold the value of one of these still, such as a comment. Values of fewer than
/// eight octets are not looked for: they are in everything.
[[nodiscard]] std::vector<std::uint32_t> lines_with(std::string_view text,
                                                    std::span<const EnvSecret> secrets);

}  // namespace gh::vault
