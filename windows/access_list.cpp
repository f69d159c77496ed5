#include "windows/access_list.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/try.hpp"
#include "windows/api.hpp"

namespace gh::windows {
namespace {

constexpr std::string_view reason_io = "file.io", reason_others = "folder.others";

/// Who can delete a store, put an older one there, or give himself the right to.
constexpr DWORD rights_to_change = FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_DELETE_CHILD |
                                   DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL;

std::wstring text_of(PSID sid) {
    wchar_t* text = nullptr;
    if (::ConvertSidToStringSidW(sid, &text) == 0) return L"somebody without a name";
    const Local<wchar_t> owned(text);
    return text;
}

/// The system, administrators (they can become this user anyway), and whoever owns it.
bool is_trusted(const std::wstring& sid, const std::wstring& user) {
    return sid == user || sid == L"S-1-5-18" || sid == L"S-1-5-32-544" || sid == L"S-1-3-4";
}

bool has_access_lists(const std::filesystem::path& folder) {
    wchar_t volume[MAX_PATH + 1];
    DWORD flags = 0;
    if (::GetVolumePathNameW(folder.c_str(), volume, MAX_PATH) == 0 ||
        ::GetVolumeInformationW(volume, nullptr, 0, nullptr, nullptr, &flags, nullptr, 0) == 0) {
        return true;
    }
    return (flags & FILE_PERSISTENT_ACLS) != 0;
}

/// @return the first of those, but the trusted, who may change it; nothing: there are none
std::wstring other_in(PACL list, const std::wstring& user) {
    for (DWORD i = 0; i < list->AceCount; ++i) {
        void* raw = nullptr;
        if (::GetAce(list, i, &raw) == 0) continue;
        const auto* entry = static_cast<const ACCESS_ALLOWED_ACE*>(raw);
        const bool allows = entry->Header.AceType == ACCESS_ALLOWED_ACE_TYPE ||
                            entry->Header.AceType == ACCESS_ALLOWED_CALLBACK_ACE_TYPE;
        if (!allows || (entry->Header.AceFlags & INHERIT_ONLY_ACE) != 0) continue;
        if ((entry->Mask & rights_to_change) == 0) continue;
        auto sid = text_of(const_cast<DWORD*>(&entry->SidStart));
        if (!is_trusted(sid, user)) return sid;
    }
    return {};
}

std::unexpected<Error> refused(const std::filesystem::path& folder, std::string_view why,
                               const std::wstring& user) {
    const auto name = "\"" + utf8_of(folder.native()) + "\"";
    return fail(ErrorKind::permission_denied, reason_others,
                "the folder " + name + " " + std::string(why) +
                    ", so that nothing is written there; look at what is in it, then make it this "
                    "user's: takeown /F " +
                    name + " and icacls " + name + " /reset and icacls " + name +
                    " /inheritance:r /grant:r *" + utf8_of(user) + ":(OI)(CI)F");
}

Result<void> check_folder(const std::filesystem::path& folder) {
    const auto failed = [&](DWORD error) {
        return fail_windows(ErrorKind::unavailable, reason_io,
                            "looking at the folder " + utf8_of(folder.native()), error);
    };
    GH_TRY(const auto user, user_sid());
    const auto attributes = ::GetFileAttributesW(folder.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) return failed(::GetLastError());
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0) return failed(ERROR_DIRECTORY);
    if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
        return fail(ErrorKind::permission_denied, reason_others,
                    "the folder " + utf8_of(folder.native()) +
                        " is a link, so that nothing is written there: name the folder itself");
    if (!has_access_lists(folder)) return {};
    constexpr SECURITY_INFORMATION asked = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    std::vector<std::uint8_t> room(std::size_t{64} << 10);  // as long as one may be
    auto* const descriptor = static_cast<PSECURITY_DESCRIPTOR>(room.data());
    DWORD size = 0;
    if (::GetFileSecurityW(folder.c_str(), asked, descriptor, static_cast<DWORD>(room.size()),
                           &size) == 0) {
        const auto error = ::GetLastError();
        if (error != ERROR_ACCESS_DENIED) return failed(error);
        return refused(folder, "is another user's, who lets nobody else look at it", user);
    }
    PSID owner = nullptr;
    PACL list = nullptr;
    BOOL present = FALSE, defaulted = FALSE;
    if (::GetSecurityDescriptorOwner(descriptor, &owner, &defaulted) == 0 ||
        ::GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) == 0) {
        return failed(::GetLastError());
    }
    const auto owners = owner != nullptr ? text_of(owner) : std::wstring();
    if (!is_trusted(owners, user))
        return refused(folder, "belongs to another user (" + utf8_of(owners) + ")", user);
    const auto other = present && list != nullptr ? other_in(list, user) : L"anybody";
    if (other.empty()) return {};
    return refused(folder, "may be changed by others (" + utf8_of(other) + ")", user);
}

}  // namespace

Result<OwnersOnly> OwnersOnly::make(std::wstring_view rights) {
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

Result<void> make_private_folder(const std::filesystem::path& folder) {
    if (folder.empty()) return {};
    std::error_code failed;
    if (std::filesystem::is_directory(folder, failed)) return check_folder(folder);
    if (!folder.parent_path().empty())
        std::filesystem::create_directories(folder.parent_path(), failed);
    GH_TRY(const auto owners_only, OwnersOnly::make());
    SECURITY_ATTRIBUTES attributes{sizeof attributes, owners_only.descriptor(), FALSE};
    if (::CreateDirectoryW(folder.c_str(), &attributes) != 0) return {};
    const auto error = ::GetLastError();
    if (error == ERROR_ALREADY_EXISTS) return check_folder(folder);
    return fail_windows(ErrorKind::unavailable, reason_io,
                        "making the folder " + utf8_of(folder.native()), error);
}

}  // namespace gh::windows
