#pragma once

#include <cstddef>
#include <string_view>

#include "config/problem.hpp"
#include "config/reader.hpp"

namespace gh::app {

/// Judges configured key material. A published secret is refused in every profile; what is merely weak, or stands in
/// the file itself, is kept apart, for the development profile on loopback lets it pass.
class SecretJudge {
 public:
    SecretJudge(config::SecretCheck check, config::Problems& problems)
        : check_(std::move(check)), problems_(problems) {}

    /// @param at  where the secret comes from; its text is filled in here
    void judge(std::string_view secret, std::size_t bytes_min, config::Problem at);
    void note(const config::Problem& weak) { weak_.add(weak); }
    [[nodiscard]] const config::Problems& weak() const { return weak_; }

 private:
    config::SecretCheck check_;
    config::Problems& problems_;
    config::Problems weak_;
};

}  // namespace gh::app
