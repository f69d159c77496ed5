#include "crypto/secret.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/id.hpp"

namespace gh::crypto {

Secret::Secret(Bytes bytes) : size_(bytes.size()) {
    if (size_ == 0) return;
    data_ = std::make_unique<std::uint8_t[]>(size_);
    std::ranges::copy(bytes, data_.get());
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        data_ = std::move(other.data_);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

Secret::~Secret() { wipe(); }

Secret Secret::random(std::size_t size) {
    Secret secret;
    secret.data_ = std::make_unique<std::uint8_t[]>(size);
    secret.size_ = size;
    random_bytes({secret.data_.get(), size});
    return secret;
}

void Secret::wipe() noexcept {
    if (data_) crypto::wipe(data_.get(), size_);
    data_.reset();
    size_ = 0;
}

void wipe(void* data, std::size_t size) noexcept {
    if (size == 0) return;
    std::memset(data, 0, size);
    asm volatile("" : : "r"(data) : "memory");  // somebody may look, as far as the compiler knows
}

bool constant_time_equal(Bytes a, Bytes b) noexcept {
    if (a.size() != b.size()) return false;
    std::uint64_t difference = 0;
    std::size_t at = 0;
    for (; at + sizeof difference <= a.size(); at += sizeof difference) {
        std::uint64_t x, y;
        std::memcpy(&x, a.data() + at, sizeof x);
        std::memcpy(&y, b.data() + at, sizeof y);
        difference |= x ^ y;
        asm volatile("" : "+r"(difference));  // the compiler must not see that it could stop here
    }
    for (; at < a.size(); ++at) difference |= a[at] ^ b[at];
    asm volatile("" : "+r"(difference));
    return difference == 0;
}

}  // namespace gh::crypto
