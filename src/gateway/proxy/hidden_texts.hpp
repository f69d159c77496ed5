#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.hpp"
#include "gateway/config.hpp"
#include "http/message.hpp"

namespace gh {
class Arena;
}

namespace gh::gateway::proxy {

/// What an upstream is told by injected fields and its clients must not see: each text that came through a reference, what of
/// it stands behind a blank or a colon, the same decoded where it is base64, and all of that within base64 and in hexadecimal.
/// Each octet may be escaped for URLs (once or twice), JSON or HTML.
class HiddenTexts {
 public:
    /// What is shorter is in everything, and not looked for.
    static constexpr std::size_t bytes_min = 8;

    /// From the fields of one route.
    void add(const InjectConfig& inject);

    [[nodiscard]] bool empty() const { return forms_.empty(); }
    /// Sets those octets of `covered`, one for each of the text, that are part of one. They may overlap.
    void cover(std::string_view text, std::span<char> covered) const;
    /// Writes '*' over each.
    void hide(std::span<char> text) const;
    [[nodiscard]] bool within(std::string_view text) const;
    /// How many octets at the end of the text may be the beginning of one. Tells nothing of what they are: who sees where an
    /// answer is cut could guess them one octet after another.
    [[nodiscard]] std::size_t tail(std::string_view text) const;

 private:
    void add_text(std::string_view secret, bool decode);
    void add_form(std::string form);
    [[nodiscard]] std::size_t match(std::string_view text) const;

    std::vector<config::Secret> forms_;
    std::array<std::vector<std::uint16_t>, 256>
        beginning_;            ///< which of them may begin with an octet
    std::size_t longest_ = 0;  ///< escaped
};

/// An answer on its way past these texts, however it is cut into pieces.
class Hiding {
 public:
    /// @param texts  null: everything passes as it is
    explicit Hiding(const HiddenTexts* texts) : texts_(texts) {}

    /// Can it be looked through? Not where it is encoded, a part of something, or turns into a tunnel.
    [[nodiscard]] bool may_pass(const http::ResponseHead& head) const;
    void pass(http::ResponseHead& head, Arena& arena) const;
    void pass(http::Fields& fields, Arena& arena) const;
    /// @return what may be sent of it and of what was held back before; good until the next call in this thread
    [[nodiscard]] std::string_view pass(std::string_view bytes, bool last);

    /// Octets that wait for what comes behind them.
    [[nodiscard]] std::size_t held() const { return text_.size(); }

 private:
    const HiddenTexts* texts_;
    std::string text_;     // what is held back, as it came
    std::string covered_;  // of each of its octets: is it part of one?
};

}  // namespace gh::gateway::proxy
