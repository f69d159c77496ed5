#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace gh {

/// Text that lives as long as one request: written once, never freed singly, room reused by the next.
class Arena {
 public:
    /// `size` octets to be filled at once.
    [[nodiscard]] char* allocate(std::size_t size) {
        if (size <= first_.size() - used_) {
            char* at = first_.data() + used_;
            used_ += size;
            return at;
        }
        more_.push_back(std::make_unique_for_overwrite<char[]>(size));
        return more_.back().get();
    }
    [[nodiscard]] std::string_view copy(std::string_view text) {
        char* at = allocate(text.size());
        std::copy_n(text.data(), text.size(), at);
        return {at, text.size()};
    }
    void clear() {
        used_ = 0;
        more_.clear();
    }

 private:
    std::array<char, 1024> first_;
    std::size_t used_ = 0;
    std::vector<std::unique_ptr<char[]>> more_;
};

}  // namespace gh
