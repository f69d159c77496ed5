#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace gh::config {

/// A configured value that must not be shown: masked by `config show`, wiped when it goes, printed by nothing.
class Secret {
 public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            wipe();
            value_ = other.value_;
        }
        return *this;
    }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            value_ = std::move(other.value_);
            other.wipe();
        }
        return *this;
    }
    ~Secret() { wipe(); }

    /// The value itself; whoever asks for it must not log it.
    [[nodiscard]] std::string_view view() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }
    friend bool operator==(const Secret&, const Secret&) = default;

 private:
    void wipe() noexcept;

    std::string value_;
};

}  // namespace gh::config
