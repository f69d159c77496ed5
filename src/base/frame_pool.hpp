#pragma once

#include <cstddef>

namespace gh {

/// Memory of coroutine frames: size classes of 64 bytes up to 4 KiB, kept per thread and handed out again, so that a
/// request which walks a path for the second time allocates nothing. Larger frames go to the heap.
/// A frame may be freed on another thread than it came from. At most 256 free frames are kept per class and thread.
[[nodiscard]] void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace gh
