#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "crypto/bytes.hpp"

namespace gh::crypto {

/// Bytes that must not be seen: one owner, wiped when it goes, shown by nothing (no text, no
/// stream, no format).
class Secret {
 public:
    Secret() = default;
    /// Takes a copy; the caller wipes its own.
    explicit Secret(Bytes bytes);
    explicit Secret(std::string_view text) : Secret(bytes_of(text)) {}
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret();

    /// `size` bytes of the kernel's generator.
    [[nodiscard]] static Secret random(std::size_t size);

    [[nodiscard]] Secret copy() const { return Secret(bytes()); }
    [[nodiscard]] Bytes bytes() const { return {data_.get(), size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
    void wipe() noexcept;

    std::unique_ptr<std::uint8_t[]> data_;
    std::size_t size_ = 0;
};

/// Overwrites memory in a way the compiler keeps.
void wipe(void* data, std::size_t size) noexcept;

/// Time depends on the sizes only. Unequal sizes are unequal at once: a length is no secret here.
[[nodiscard]] bool constant_time_equal(Bytes a, Bytes b) noexcept;
[[nodiscard]] inline bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
    return constant_time_equal(bytes_of(a), bytes_of(b));
}

}  // namespace gh::crypto
