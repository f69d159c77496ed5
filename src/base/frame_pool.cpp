#include "base/frame_pool.hpp"

#include <array>
#include <new>

namespace gh {
namespace {

constexpr std::size_t class_step = 64;
constexpr std::size_t classes = 64;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GH_FRAMES_KEPT 0  // a frame that is used after its end must be seen
#endif
#endif
#ifndef GH_FRAMES_KEPT
#define GH_FRAMES_KEPT 256
#endif
constexpr std::size_t kept_max = GH_FRAMES_KEPT;

struct FreeFrame {
    FreeFrame* next;
};

struct FreeList {
    FreeFrame* head = nullptr;
    std::size_t length = 0;
};

struct Pool {
    std::array<FreeList, classes> lists;
    bool closed = false;
    ~Pool() {
        closed = true;
        for (auto& list : lists) {
            while (list.head) {
                auto* frame = list.head;
                list.head = frame->next;
                ::operator delete(frame);
            }
        }
    }
};

thread_local Pool pool;

constexpr std::size_t class_of(std::size_t size) { return (size + class_step - 1) / class_step; }

}  // namespace

void* allocate_frame(std::size_t size) {
    const auto index = class_of(size);
    if (index >= classes) return ::operator new(size);
    auto& list = pool.lists[index];
    if (list.head == nullptr) return ::operator new(index * class_step);
    auto* frame = list.head;
    list.head = frame->next;
    --list.length;
    return frame;
}

void free_frame(void* frame, std::size_t size) noexcept {
    const auto index = class_of(size);
    if (index >= classes || pool.closed || pool.lists[index].length >= kept_max) {
        ::operator delete(frame);
        return;
    }
    auto& list = pool.lists[index];
    list.head = new (frame) FreeFrame{list.head};
    ++list.length;
}

}  // namespace gh
