#include "windows/system.hpp"

#include <vector>

#include "windows/api.hpp"

namespace gh::windows {

void CloseHandle::operator()(void* handle) const noexcept {
    if (handle != INVALID_HANDLE_VALUE) ::CloseHandle(handle);
}

void FreeLocal::operator()(void* memory) const noexcept { ::LocalFree(memory); }

std::string utf8_of(std::wstring_view text) {
    if (text.empty()) return {};
    const int size = static_cast<int>(text.size());
    std::string out(3 * text.size(), '\0');
    const int written = ::WideCharToMultiByte(CP_UTF8, 0, text.data(), size, out.data(),
                                              static_cast<int>(out.size()), nullptr, nullptr);
    out.resize(static_cast<std::size_t>(written));
    return out;
}

std::wstring wide_of(std::string_view text) {
    if (text.empty()) return {};
    const int size = static_cast<int>(text.size());
    std::wstring out(text.size(), L'\0');
    const int written =
        ::MultiByteToWideChar(CP_UTF8, 0, text.data(), size, out.data(), static_cast<int>(size));
    out.resize(static_cast<std::size_t>(written));
    return out;
}

std::string message_of(unsigned long error) {
    wchar_t text[512];
    auto size = ::FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
                                 nullptr, error, 0, text, 512, nullptr);
    while (size > 0 && text[size - 1] <= L' ') --size;
    return utf8_of({text, size}) + " (" + std::to_string(error) + ")";
}

std::unexpected<Error> fail_windows(ErrorKind kind, std::string_view reason, std::string_view what,
                                    unsigned long error) {
    return fail(kind, reason, std::string(what) + ": " + message_of(error));
}

std::string user_name() {
    wchar_t name[257];
    DWORD size = 257;
    if (::GetUserNameW(name, &size) == 0 || size == 0) return "unknown";
    return utf8_of({name, size - 1});
}

Result<std::wstring> user_sid() {
    const auto failed = [](std::string_view what) {
        return fail_windows(ErrorKind::unavailable, "windows.user", what, ::GetLastError());
    };
    HANDLE raw = nullptr;
    if (::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &raw) == 0)
        return failed("asking who this is");
    const Handle token(raw);
    alignas(TOKEN_USER) std::uint8_t room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    DWORD size = 0;
    if (::GetTokenInformation(token.get(), TokenUser, room, sizeof room, &size) == 0)
        return failed("asking who this is");
    wchar_t* text = nullptr;
    if (::ConvertSidToStringSidW(reinterpret_cast<TOKEN_USER*>(room)->User.Sid, &text) == 0)
        return failed("naming who this is");
    const Local<wchar_t> owned(text);
    return std::wstring(text);
}

}  // namespace gh::windows
