#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace gh::codec {

/// Text that is usually already as it should be: a view of the input then, and a copy of our own
/// only when something had to change. A view lives no longer than the input it was made of.
class BorrowedText {
 public:
    BorrowedText() = default;
    explicit BorrowedText(std::string_view borrowed) : borrowed_(borrowed) {}
    /// An empty text is the same either way.
    explicit BorrowedText(std::string own) : own_(std::move(own)) {}

    [[nodiscard]] std::string_view view() const {
        return own_.empty() ? borrowed_ : std::string_view(own_);
    }
    [[nodiscard]] bool is_borrowed() const { return own_.empty(); }

 private:
    std::string_view borrowed_;
    std::string own_;
};

}  // namespace gh::codec
