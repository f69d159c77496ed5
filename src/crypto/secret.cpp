#include "crypto/secret.hpp"

#include <openssl/crypto.h>

#include <algorithm>
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

void wipe(void* data, std::size_t size) noexcept { OPENSSL_cleanse(data, size); }

bool constant_time_equal(Bytes a, Bytes b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace gh::crypto
