#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace gh {

/// What went wrong, in as few kinds as machines need. Status, log level and retry advice are tables over it.
enum class ErrorKind : std::uint8_t {
    invalid_argument,
    unauthenticated,
    permission_denied,
    not_found,
    conflict,  // the caller's
    exhausted,
    unavailable,
    deadline_exceeded,  // the moment's: worth a retry
    corrupt,
    internal,  // ours: page someone
};

struct Error {
    ErrorKind kind;
    std::string_view reason;  ///< stable token, static storage: "jwt.expired"
    std::string detail;       ///< for operators; never sent to a client
};

template <class T>
using Result = std::expected<T, Error>;

/// @param reason  a string literal: it is kept, not copied
[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string_view reason,
                                                 std::string detail = {}) {
    return std::unexpected<Error>(Error{kind, reason, std::move(detail)});
}

/// The same with errno's text behind `what`.
[[nodiscard]] std::unexpected<Error> fail_errno(ErrorKind kind, std::string_view reason,
                                                std::string_view what, int error_number);

/// "reason: detail", for people who operate the house.
[[nodiscard]] std::string describe(const Error& error);

}  // namespace gh
