#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/dotenv.hpp"
#include "config/environment.hpp"
#include "config/secret.hpp"

/// Secrets in a `.env` file, and the file without them. All pure.
namespace gh::vault {

/// Is it meant to be known to few, judged by its name ("STRIPE_SECRET_KEY", not "TOKEN_TTL") and by its value (a password in
/// a URL or a connection string, a private key, a token in the shape that a known service gives it)? When in doubt it is: a
/// setting in the vault hurts nobody.
[[nodiscard]] bool is_secret_variable(std::string_view name, std::string_view value);

/// Names that stay in the file, whatever they hold, and why.
using EnvReasons = std::map<std::string, std::string, std::less<>>;

/// What shall become of a variable whose value is a secret.
struct EnvRow {
    enum class Fate : std::uint8_t { moves, stays, refused };
    std::string name;
    std::string path;      ///< in the vault
    config::Secret value;  ///< of its last line, as for who reads the file
    Fate fate = Fate::moves;
    std::string
        state;  ///< why it does not move, and what to do; or what is to be known of it when it does
};

/// In the order of the file, each name once: those that is_secret_variable(), and those whose values took such a one in.
/// Refused are placeholders and published secrets, names that are no path, lines that give one name different values, and values
/// that mention what is nowhere set: they would be sealed as something that nobody wrote.
/// @param folder  of the vault
[[nodiscard]] std::vector<EnvRow> rows_of(std::span<const config::DotenvAssignment> assignments,
                                          std::string_view folder, const EnvReasons& stay);

/// What a line that remains mentions stays as well, for that line would have another value. Again after a row was refused.
void keep_what_is_mentioned(std::vector<EnvRow>& rows,
                            std::span<const config::DotenvAssignment> assignments);

/// Names with a value that are in no row: what goes for good when the file does.
[[nodiscard]] std::vector<std::string> settings_of(
    std::span<const config::DotenvAssignment> assignments, std::span<const EnvRow> rows);

/// The file with a comment where each line of rows that move was, one that says where the value is; all else, octet by octet, as
/// it is.
/// @param assignments  of `text`
[[nodiscard]] std::string without(std::string_view text,
                                  std::span<const config::DotenvAssignment> assignments,
                                  std::span<const EnvRow> rows);

/// A variable that does not move and has another value in `rest`, for a reader with this environment or with none; nothing: all
/// is well.
[[nodiscard]] std::optional<std::string> changed_in(std::string_view rest, std::string_view text,
                                                    std::span<const EnvRow> rows,
                                                    const config::Environment& process);

/// Lines of the text, counted from 1, that hold the value of a row that moves still, such as a comment. Values of fewer than
/// eight octets are not looked for: they are in everything.
[[nodiscard]] std::vector<std::uint32_t> lines_with(std::string_view text,
                                                    std::span<const EnvRow> rows);

}  // namespace gh::vault
