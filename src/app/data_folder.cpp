#include "app/data_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "app/restoring.hpp"
#include "base/try.hpp"

namespace gh::app {
namespace {

// Whoever only looks or settles has ended by then; serve and a restore have not.
constexpr auto patience = milliseconds(5'000);
constexpr auto pause = milliseconds(20);

Result<void> take(int lock, int how, const std::filesystem::path& folder, milliseconds most) {
    for (auto waited = milliseconds(0);; waited += pause) {
        if (::flock(lock, how | LOCK_NB) == 0) return {};
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail_errno(ErrorKind::unavailable, "data_dir.io", folder.string(), errno);
        if (waited >= most) break;
        std::this_thread::sleep_for(pause);
    }
    if (how == LOCK_EX) {
        return fail(ErrorKind::conflict, "data_dir.in_use",
                    "gatehouse serve, or another gatehouse command, uses " + folder.string() +
                        "; stop it and try again");
    }
    return fail(ErrorKind::conflict, "data_dir.in_use",
                "a restore is under way in " + folder.string() +
                    ", or a new master key; wait until it has ended");
}

}  // namespace

Result<DataFolder> DataFolder::open(const Settings& settings, Use use) {
    const auto& folder = settings.data_dir;
    UniqueFd lock(
        ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock) {
        return fail_errno(ErrorKind::unavailable, "data_dir.io", (folder / "lock").string(), errno);
    }
    if (use == Use::alone || Restoring::left(folder)) {
        // Twice at the same moment is one after the other: nobody holds it while he waits for it.
        GH_TRY_VOID(
            take(lock.get(), LOCK_EX, folder, use == Use::alone ? milliseconds(0) : patience));
        GH_TRY_VOID(Restoring::settle(settings));
    }
    if (use == Use::shared) {
        GH_TRY_VOID(take(lock.get(), LOCK_SH, folder, patience));
        if (Restoring::left(folder)) {
            return fail(ErrorKind::conflict, "data_dir.in_use",
                        "a restore was cut short in " + folder.string() + " just now; try again");
        }
    }
    return DataFolder(std::move(lock));
}

}  // namespace gh::app
