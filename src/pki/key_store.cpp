#include "pki/key_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/try.hpp"

namespace gh::pki {
namespace {

constexpr mode_t others = S_IRWXG | S_IRWXO;

Result<void> check_private(int fd, const std::filesystem::path& path,
                           std::string_view wanted_mode) {
    struct stat facts{};
    if (::fstat(fd, &facts) != 0)
        return fail_errno(ErrorKind::unavailable, "key_store.io", path.string(), errno);
    if (facts.st_uid != ::geteuid()) {
        return fail(ErrorKind::permission_denied, "key_store.owner",
                    path.string() + " belongs to user " + std::to_string(facts.st_uid) +
                        ", and this process runs as " + std::to_string(::geteuid()) +
                        ": run it as that user, or `chown -R " + std::to_string(::geteuid()) +
                        "` the directory if its content can be trusted");
    }
    if ((facts.st_mode & others) != 0) {
        return fail(ErrorKind::permission_denied, "key_store.open_to_others",
                    path.string() + " can be reached by group or others: `chmod " +
                        std::string(wanted_mode) + " " + path.string() +
                        "`, and replace the keys if someone may have read them");
    }
    return {};
}

/// What went wrong with a file, as an error of the store.
std::unexpected<Error> store_error(Error&& error, const std::filesystem::path& path) {
    if (error.kind == ErrorKind::corrupt) {
        return fail(ErrorKind::corrupt, "key_store.too_long", path.string());
    }
    return fail(ErrorKind::unavailable, "key_store.io", path.string() + ": " + error.detail);
}

}  // namespace

Result<FileKeyStore> FileKeyStore::open(const std::filesystem::path& directory) {
    const bool made = ::mkdir(directory.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) {
        return fail_errno(ErrorKind::unavailable, "key_store.io", "making " + directory.string(),
                          errno);
    }
    if (made) {  // what is in it lasts no longer than its name
        const auto parent = open_directory(std::filesystem::absolute(directory).parent_path());
        if (!parent || ::fsync(parent->get()) != 0) {
            return fail_errno(ErrorKind::unavailable, "key_store.io",
                              "syncing the folder of " + directory.string(), errno);
        }
    }
    auto fd = open_directory(directory);
    if (!fd) return store_error(std::move(fd.error()), directory);
    GH_TRY_VOID(check_private(fd->get(), directory, "700"));
    return FileKeyStore(directory, std::move(*fd));
}

Result<std::vector<std::string>> FileKeyStore::names() const {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory_, error), end; !error && at != end;
         at.increment(error)) {
        if (auto name = at->path().filename().string(); valid_name(name))
            names.push_back(std::move(name));
    }
    if (error)
        return fail_errno(ErrorKind::unavailable, "key_store.io", directory_.string(),
                          error.value());
    std::ranges::sort(names);
    return names;
}

Result<crypto::Secret> FileKeyStore::load(std::string_view name) {
    if (!valid_name(name))
        return fail(ErrorKind::invalid_argument, "key_store.name", std::string(name));
    const auto path = directory_ / name;
    // Not blocking: a FIFO put there must not stop the start.
    const UniqueFd file(::openat(directory_fd_.get(), std::string(name).c_str(),
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT) return fail(ErrorKind::not_found, "key_store.absent", path.string());
        if (errno == ELOOP)
            return fail(ErrorKind::corrupt, "key_store.not_a_file", path.string() + " is a link");
        return fail_errno(ErrorKind::unavailable, "key_store.io", path.string(), errno);
    }
    GH_TRY_VOID(check_private(file.get(), path, "600"));
    struct stat facts{};
    if (::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return fail(ErrorKind::corrupt, "key_store.not_a_file", path.string());
    }
    auto value = read_file(file, value_bytes_max);
    if (!value) return store_error(std::move(value.error()), path);
    crypto::Secret secret(*value);
    crypto::wipe(value->data(), value->size());
    return secret;
}

Result<void> FileKeyStore::store(std::string_view name, const crypto::Secret& value) {
    if (!valid_name(name))
        return fail(ErrorKind::invalid_argument, "key_store.name", std::string(name));
    if (value.size() > value_bytes_max)
        return fail(ErrorKind::invalid_argument, "key_store.too_long");
    if (auto stored = replace_file(directory_fd_, name, crypto::text_of(value.bytes()), 0600);
        !stored) {
        return store_error(std::move(stored.error()), directory_ / name);
    }
    return {};
}

}  // namespace gh::pki
