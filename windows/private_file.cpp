#include "windows/private_file.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "windows/api.hpp"
#include "windows/system.hpp"

namespace gh::windows {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view reason_io = "file.io";
constexpr auto pause = milliseconds(2);
/// Whoever reads the file, or looks for viruses in it, holds it for a moment.
constexpr auto readers_patience = std::chrono::seconds(2);

/// "Everything for this user, nothing for anybody else, and nothing from the folder above."
class OwnersOnly {
 public:
    [[nodiscard]] static Result<OwnersOnly> make(std::wstring_view rights = L"FA") {
        GH_TRY(const auto sid, user_sid());
        const auto text = L"O:" + sid + L"D:P(A;OICI;" + std::wstring(rights) + L";;;" + sid + L")";
        PSECURITY_DESCRIPTOR descriptor = nullptr;
        if (::ConvertStringSecurityDescriptorToSecurityDescriptorW(text.c_str(), SDDL_REVISION_1,
                                                                   &descriptor, nullptr) == 0) {
            return fail_windows(ErrorKind::unavailable, "windows.user", "making an access list",
                                ::GetLastError());
        }
        return OwnersOnly(descriptor);
    }
    [[nodiscard]] SECURITY_ATTRIBUTES attributes() const {
        return {sizeof(SECURITY_ATTRIBUTES), descriptor_.get(), FALSE};
    }

 private:
    explicit OwnersOnly(void* descriptor) : descriptor_(descriptor) {}
    Local<void> descriptor_;
};

/// All but to run it.
constexpr std::wstring_view rights_to_a_file = L"0x1f01df";

bool is_file(HANDLE handle) { return handle != INVALID_HANDLE_VALUE; }

bool is_absent(DWORD error) {
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

/// Somebody else holds it.
bool is_held(DWORD error) {
    return error == ERROR_SHARING_VIOLATION || error == ERROR_ACCESS_DENIED ||
           error == ERROR_LOCK_VIOLATION;
}

/// Calls until it says something else than that somebody holds the file. @return Windows' error, or 0
template <class Call>
DWORD patiently(milliseconds patience, const Call& call) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const DWORD error = call();
        if (!is_held(error) || std::chrono::steady_clock::now() >= end) return error;
        ::Sleep(static_cast<DWORD>(pause.count()));
    }
}

Result<void> make_folder(const std::filesystem::path& folder) {
    std::error_code failed;
    if (folder.empty() || std::filesystem::is_directory(folder, failed)) return {};
    if (!folder.parent_path().empty())
        std::filesystem::create_directories(folder.parent_path(), failed);
    GH_TRY(const auto owners_only, OwnersOnly::make());
    auto attributes = owners_only.attributes();
    if (::CreateDirectoryW(folder.c_str(), &attributes) != 0) return {};
    const auto error = ::GetLastError();
    if (error == ERROR_ALREADY_EXISTS) return {};
    return fail_windows(ErrorKind::unavailable, reason_io,
                        "making the folder " + utf8_of(folder.native()), error);
}

/// @return Windows' error, or 0
DWORD write_new(const std::filesystem::path& file, std::string_view content,
                SECURITY_ATTRIBUTES& attributes) {
    const Handle handle(::CreateFileW(file.c_str(), GENERIC_WRITE, 0, &attributes, CREATE_NEW,
                                      FILE_ATTRIBUTE_NORMAL | FILE_FLAG_WRITE_THROUGH, nullptr));
    if (!is_file(handle.get())) return ::GetLastError();
    while (!content.empty()) {
        DWORD written = 0;
        const auto some = static_cast<DWORD>(std::min<std::size_t>(content.size(), 1 << 20));
        if (::WriteFile(handle.get(), content.data(), some, &written, nullptr) == 0)
            return ::GetLastError();
        content.remove_prefix(written);
    }
    return ::FlushFileBuffers(handle.get()) != 0 ? 0 : ::GetLastError();
}

struct HeldFile final : vault::StorePlace::Turn {
    explicit HeldFile(Handle of) : handle(std::move(of)) {}
    Handle handle;
};

}  // namespace

std::string PrivateFile::name() const { return utf8_of(file_.native()); }

std::filesystem::path PrivateFile::beside(std::wstring_view ending) const {
    auto path = file_;
    return path += ending;
}

Result<std::optional<std::string>> PrivateFile::read() {
    Handle handle;
    const auto error = patiently(readers_patience, [&]() -> DWORD {
        handle.reset(::CreateFileW(file_.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE,
                                   nullptr, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, nullptr));
        return is_file(handle.get()) ? 0 : ::GetLastError();
    });
    if (is_absent(error)) return std::nullopt;
    if (error != 0)
        return fail_windows(ErrorKind::unavailable, reason_io, "reading " + name(), error);
    BY_HANDLE_FILE_INFORMATION facts{};
    if (::GetFileInformationByHandle(handle.get(), &facts) == 0) {
        return fail_windows(ErrorKind::unavailable, reason_io, "reading " + name(),
                            ::GetLastError());
    }
    if ((facts.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)) != 0)
        return fail(ErrorKind::invalid_argument, "file.kind", name() + " is a folder or a link");
    const auto size = std::uint64_t{facts.nFileSizeHigh} << 32 | facts.nFileSizeLow;
    if (size > bytes_max_)
        return fail(ErrorKind::corrupt, "file.too_long", name() + " is too long");
    std::string content(size, '\0');
    DWORD got = 0;
    if (::ReadFile(handle.get(), content.data(), static_cast<DWORD>(size), &got, nullptr) == 0) {
        return fail_windows(ErrorKind::unavailable, reason_io, "reading " + name(),
                            ::GetLastError());
    }
    content.resize(got);
    return content;
}

Result<void> PrivateFile::replace(std::string_view content) {
    GH_TRY_VOID(make_folder(file_.parent_path()));
    GH_TRY(const auto owners_only, OwnersOnly::make(rights_to_a_file));
    auto attributes = owners_only.attributes();
    const auto new_file = beside(L".new");
    ::DeleteFileW(new_file.c_str());  // left by a process that was ended
    auto error = write_new(new_file, content, attributes);
    if (error == 0) {
        error = patiently(readers_patience, [&]() -> DWORD {
            return ::MoveFileExW(new_file.c_str(), file_.c_str(),
                                 MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) != 0
                       ? 0
                       : ::GetLastError();
        });
    }
    if (error == 0) return {};
    ::DeleteFileW(new_file.c_str());
    return fail_windows(ErrorKind::unavailable, reason_io, "writing " + name(), error);
}

Result<std::unique_ptr<vault::StorePlace::Turn>> PrivateFile::take_turn() {
    GH_TRY_VOID(make_folder(file_.parent_path()));
    GH_TRY(const auto owners_only, OwnersOnly::make(rights_to_a_file));
    auto attributes = owners_only.attributes();
    const auto lock = beside(L".lock");
    Handle handle;
    const auto error = patiently(patience_, [&]() -> DWORD {
        handle.reset(::CreateFileW(lock.c_str(), GENERIC_READ | GENERIC_WRITE, 0, &attributes,
                                   OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr));
        return is_file(handle.get()) ? 0 : ::GetLastError();
    });
    if (error == 0) return std::make_unique<HeldFile>(std::move(handle));
    if (is_held(error)) {
        return fail(ErrorKind::unavailable, "file.locked",
                    "somebody else changes " + name() + ", for longer than this waits");
    }
    return fail_windows(ErrorKind::unavailable, reason_io, "locking " + name(), error);
}

}  // namespace gh::windows
