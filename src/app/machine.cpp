#include "app/machine.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace gh::app {

std::size_t cores() {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

std::uint64_t descriptors_max() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}

Result<void> make_directory(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::create_directories(path, error)) {
        std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
    }
    if (error || ::access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
        return fail(ErrorKind::unavailable, "data_dir",
                    "cannot use the data directory " + path.string() +
                        "; choose another with --data or data_dir");
    }
    return {};
}

bool open_to_others(const std::filesystem::path& directory) {
    struct stat facts{};
    return ::stat(directory.c_str(), &facts) == 0 && (facts.st_mode & 077) != 0;
}

sigset_t our_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::sigaddset(&set, signal);
    return set;
}

}  // namespace gh::app
