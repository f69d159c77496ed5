#include "base/mapped_memory.hpp"

#include <sys/mman.h>

#include <new>

namespace gh {

MappedMemory::MappedMemory(std::size_t bytes) {
    void* const address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) throw std::bad_alloc();
    // Sparse tables: a huge page for every few bytes touched would make all of it resident. Only
    // advice.
    static_cast<void>(::madvise(address, bytes, MADV_NOHUGEPAGE));
    data_ = static_cast<std::byte*>(address);
    size_ = bytes;
}

MappedMemory::~MappedMemory() {
    if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace gh
