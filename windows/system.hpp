#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

/// What is asked of Windows in more than one file.
namespace gh::windows {

/// A handle and the duty to close it.
struct CloseHandle {
    void operator()(void* handle) const noexcept;
};
using Handle = std::unique_ptr<void, CloseHandle>;

/// What LocalFree() takes back.
struct FreeLocal {
    void operator()(void* memory) const noexcept;
};
template <class T>
using Local = std::unique_ptr<T, FreeLocal>;

[[nodiscard]] std::string utf8_of(std::wstring_view text);
/// What is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::wstring wide_of(std::string_view text);

/// "Access is denied. (5)"
[[nodiscard]] std::string message_of(unsigned long error);
/// The same as an error of an act on something.
[[nodiscard]] std::unexpected<Error> fail_windows(ErrorKind kind, std::string_view reason,
                                                  std::string_view what, unsigned long error);

/// Who runs this process: "ada".
[[nodiscard]] std::string user_name();
/// The same as an identifier: "S-1-5-21-...". @return `unavailable` "windows.user"
[[nodiscard]] Result<std::wstring> user_sid();

}  // namespace gh::windows
