#include "cpu_time.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace gh::bench {

std::int64_t cpu_time_ns(std::span<const int> pids) {
    std::int64_t sum = 0;
    for (int pid : pids) {
        std::error_code gone;
        for (const auto& task :
             std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
            std::ifstream file(task.path() / "schedstat");
            std::int64_t ran_ns = 0;
            if (file >> ran_ns) sum += ran_ns;
        }
    }
    return sum;
}

}  // namespace gh::bench
