#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace gh::net {

/// Blocks of one size, kept by one thread and handed out again. An idle connection holds none.
class BufferPool {
 public:
    static constexpr std::size_t block_size = 16 * 1024;
    static constexpr std::size_t kept_max = 256;

    /// A block on loan; goes back when destroyed. Must not outlive the pool.
    class Lease {
     public:
        Lease() = default;
        Lease(BufferPool* pool, std::unique_ptr<char[]> block)
            : pool_(pool), block_(std::move(block)) {}
        Lease(Lease&& other) noexcept = default;
        Lease& operator=(Lease&& other) noexcept {
            if (this != &other) {
                give_back();
                pool_ = other.pool_;
                block_ = std::move(other.block_);
            }
            return *this;
        }
        ~Lease() { give_back(); }
        [[nodiscard]] explicit operator bool() const { return block_ != nullptr; }
        [[nodiscard]] char* data() const { return block_.get(); }
        [[nodiscard]] static constexpr std::size_t size() { return block_size; }

     private:
        void give_back() {
            if (block_) pool_->put(std::move(block_));
        }
        BufferPool* pool_ = nullptr;
        std::unique_ptr<char[]> block_;
    };

    [[nodiscard]] Lease take() {
        if (blocks_.empty()) return {this, std::make_unique_for_overwrite<char[]>(block_size)};
        Lease lease(this, std::move(blocks_.back()));
        blocks_.pop_back();
        return lease;
    }

 private:
    void put(std::unique_ptr<char[]> block) {
        if (blocks_.size() < kept_max) blocks_.push_back(std::move(block));
    }
    std::vector<std::unique_ptr<char[]>> blocks_;
};

}  // namespace gh::net
