#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace gh {

/// Anonymous memory of fixed size: zero at first, aligned to a page, resident page by page as it is
/// touched.
class MappedMemory {
 public:
    MappedMemory() = default;
    /// Throws std::bad_alloc when the kernel refuses.
    explicit MappedMemory(std::size_t bytes);
    ~MappedMemory();
    MappedMemory(MappedMemory&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    MappedMemory& operator=(MappedMemory&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }

    [[nodiscard]] std::byte* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }

 private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace gh
