#include "cpu_time.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace gh::bench {

CpuTime cpu_time(std::span<const int> pids) {
    CpuTime sum;
    for (int pid : pids) {
        std::error_code gone;
        for (const auto& task :
             std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
            std::ifstream file(task.path() / "schedstat");
            CpuTime of_thread;
            if (!(file >> of_thread.ran >> of_thread.waited)) continue;
            sum.ran += of_thread.ran;
            sum.waited += of_thread.waited;
        }
    }
    return sum;
}

}  // namespace gh::bench
