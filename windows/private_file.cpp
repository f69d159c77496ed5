#include "windows/private_file.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "windows/access_list.hpp"
#include "windows/api.hpp"
#include "windows/system.hpp"

namespace gh::windows {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view reason_io = "file.io";
constexpr auto pause = milliseconds(2);
/// Whoever reads the file, or looks for viruses in it, holds it for a moment.
constexpr auto readers_patience = std::chrono::seconds(2);

/// All but to run it.
constexpr std::wstring_view rights_to_a_file = L"0x1f01df";

bool is_file(HANDLE handle) { return handle != INVALID_HANDLE_VALUE; }

bool is_absent(DWORD error) {
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

/// Somebody else holds it.
bool is_held(DWORD error) {
    return error == ERROR_SHARING_VIOLATION || error == ERROR_ACCESS_DENIED ||
           error == ERROR_LOCK_VIOLATION || error == ERROR_USER_MAPPED_FILE ||
           error == ERROR_FILE_EXISTS;  // what should be made anew is not deleted yet
}

bool is_gone(const std::filesystem::path& file) {
    return ::GetFileAttributesW(file.c_str()) == INVALID_FILE_ATTRIBUTES &&
           is_absent(::GetLastError());
}

/// Calls until it says something else than that somebody holds the file. What is denied is so for a moment while a file is
/// being deleted, or else for good. @return Windows' error, or 0
template <class Call>
DWORD patiently(milliseconds patience, const Call& call) {
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        const DWORD error = call();
        const auto enough = error == ERROR_ACCESS_DENIED
                                ? std::min<milliseconds>(patience, readers_patience)
                                : patience;
        if (!is_held(error) || std::chrono::steady_clock::now() - begin >= enough) return error;
        ::Sleep(static_cast<DWORD>(pause.count()));
    }
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

std::unexpected<Error> failed_to(std::string_view what, DWORD error) {
    if (error != ERROR_ACCESS_DENIED)
        return fail_windows(ErrorKind::unavailable, reason_io, what, error);
    auto denied = fail_windows(ErrorKind::permission_denied, "file.denied", what, error);
    denied.error().detail +=
        "; what another user left, or the same user of another Windows, is that one's: copy the "
        "store alone to a folder of this user, or have an administrator give it (takeown, icacls)";
    return denied;
}

/// A lock that stays for as long as the file does.
class HeldFile final : public vault::StorePlace::Turn {
 public:
    HeldFile(Handle lock, bool is_new, std::filesystem::path file, std::filesystem::path new_file)
        : lock_(std::move(lock)),
          is_new_(is_new),
          file_(std::move(file)),
          new_file_(std::move(new_file)) {}
    HeldFile(const HeldFile&) = delete;
    HeldFile& operator=(const HeldFile&) = delete;
    ~HeldFile() override {
        if (!is_new_ || !is_gone(file_)) return;
        FILE_DISPOSITION_INFO gone{TRUE};
        ::SetFileInformationByHandle(lock_.get(), FileDispositionInfo, &gone, sizeof gone);
    }

    [[nodiscard]] Result<void> may_begin() const override {
        const auto name = utf8_of(file_.native());
        if (!is_gone(new_file_)) {
            return fail(ErrorKind::conflict, "store.lost",
                        name + " is lost, and its last change is in " +
                            utf8_of(new_file_.native()) +
                            ": rename that, or restore the store from a backup, or remove that to "
                            "begin anew");
        }
        if (is_new_) return {};
        return fail(ErrorKind::conflict, "store.lost",
                    name +
                        " is lost, for its lock lies there: restore the store from a backup, or "
                        "remove " +
                        name + ".lock to begin anew");
    }

 private:
    Handle lock_;
    bool is_new_;
    std::filesystem::path file_, new_file_;
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
    if (error != 0) return failed_to("reading " + name(), error);
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
    GH_TRY_VOID(make_private_folder(file_.parent_path()));
    GH_TRY(const auto owners_only, OwnersOnly::make(rights_to_a_file));
    SECURITY_ATTRIBUTES attributes{sizeof attributes, owners_only.descriptor(), FALSE};
    const auto new_file = beside(L".new");
    auto error = patiently(readers_patience, [&]() -> DWORD {
        ::DeleteFileW(new_file.c_str());  // left by a process that was ended
        return write_new(new_file, content, attributes);
    });
    const bool is_written = error == 0;
    if (is_written) {
        error = patiently(readers_patience, [&]() -> DWORD {
            return ::MoveFileExW(new_file.c_str(), file_.c_str(),
                                 MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) != 0
                       ? 0
                       : ::GetLastError();
        });
    }
    if (error == 0) return {};
    // Some file systems replace in two steps: after the first the new one is all there is.
    if (!is_written || !is_gone(file_)) ::DeleteFileW(new_file.c_str());
    return fail_windows(ErrorKind::unavailable, reason_io, "writing " + name(), error);
}

Result<std::unique_ptr<vault::StorePlace::Turn>> PrivateFile::take_turn() {
    GH_TRY_VOID(make_private_folder(file_.parent_path()));
    GH_TRY(const auto owners_only, OwnersOnly::make(rights_to_a_file));
    SECURITY_ATTRIBUTES attributes{sizeof attributes, owners_only.descriptor(), FALSE};
    const auto lock = beside(L".lock");
    Handle handle;
    bool is_new = false;
    const auto error = patiently(patience_, [&]() -> DWORD {
        auto* const opened =
            ::CreateFileW(lock.c_str(), GENERIC_READ | GENERIC_WRITE | DELETE, 0, &attributes,
                          OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
        const auto said = ::GetLastError();
        handle.reset(opened);
        is_new = said != ERROR_ALREADY_EXISTS;
        return is_file(opened) ? 0 : said;
    });
    if (error == 0)
        return std::make_unique<HeldFile>(std::move(handle), is_new, file_, beside(L".new"));
    if (is_held(error) && error != ERROR_ACCESS_DENIED) {
        return fail(ErrorKind::unavailable, "file.locked",
                    "somebody else changes " + name() + ", for longer than this waits");
    }
    return failed_to("locking " + name(), error);
}

}  // namespace gh::windows
