#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "crypto/secret.hpp"

namespace gh::crypto {

/// Room of zeros for a secret that somebody else's function writes; wiped when it goes.
class SecretSpace {
 public:
    explicit SecretSpace(std::size_t size) : data_(size) {}
    SecretSpace(const SecretSpace&) = delete;
    SecretSpace& operator=(const SecretSpace&) = delete;
    ~SecretSpace() { wipe(data_.data(), data_.size()); }

    [[nodiscard]] std::uint8_t* data() { return data_.data(); }
    [[nodiscard]] std::size_t size() const { return data_.size(); }
    [[nodiscard]] Bytes bytes() const { return data_; }
    [[nodiscard]] Secret secret() const { return Secret(bytes()); }

 private:
    std::vector<std::uint8_t> data_;
};

}  // namespace gh::crypto
