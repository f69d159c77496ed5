#include "telemetry/own_program.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/unique_fd.hpp"

extern "C" const char __ehdr_start;  // by the linker: where the program's first header lies

namespace gh::telemetry {

OwnProgram::OwnProgram() noexcept {
    const UniqueFd fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    struct stat facts{};
    if (!fd || ::fstat(fd.get(), &facts) != 0 || facts.st_size <= 0) return;
    const auto size = static_cast<std::size_t>(facts.st_size);
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (data == MAP_FAILED) return;
    file_ = {static_cast<const std::byte*>(data), size};
    symbols_ = ElfSymbols(file_);
}

OwnProgram::~OwnProgram() {
    if (!file_.empty()) ::munmap(const_cast<std::byte*>(file_.data()), file_.size());
}

std::uint64_t OwnProgram::load_address() noexcept {
    return reinterpret_cast<std::uint64_t>(&__ehdr_start);
}

}  // namespace gh::telemetry
