#pragma once

#include <cstddef>
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

/// What a route's injected fields hold that is nobody's to see, in the forms in which an upstream may send it back: as it is,
/// escaped for JSON, HTML or a URL, within base64 wherever it begins there, and decoded where it is base64 itself.
class HiddenTexts {
 public:
    /// What is shorter is in everything, and not looked for.
    static constexpr std::size_t bytes_min = 8;

    explicit HiddenTexts(const InjectConfig& inject);

    [[nodiscard]] bool empty() const { return forms_.empty(); }
    /// Sets those octets of `covered`, one for each of the text, that are part of one. They may overlap.
    void cover(std::string_view text, std::span<char> covered) const;
    /// Writes '*' over each.
    void hide(std::span<char> text) const;
    [[nodiscard]] bool within(std::string_view text) const;
    /// How many octets at the end of the text may be the beginning of one.
    [[nodiscard]] std::size_t tail(std::string_view text) const;

 private:
    void add(std::string_view secret);
    void add_form(std::string form);

    std::vector<config::Secret> forms_;
    std::size_t longest_ = 0;
};

/// An answer on its way past these texts, however it is cut into pieces.
class Hiding {
 public:
    /// @param texts  null: everything passes as it is
    explicit Hiding(const HiddenTexts* texts) : texts_(texts) {}

    /// Can it be looked through? Not where it is encoded, or turns into a tunnel.
    [[nodiscard]] bool may_pass(const http::ResponseHead& head) const;
    void pass(http::ResponseHead& head, Arena& arena) const;
    void pass(http::Fields& fields, Arena& arena) const;
    /// @return what may be sent of it and of what was held back before; good until the next call
    [[nodiscard]] std::string_view pass(std::string_view bytes, bool last);

    /// Octets that wait for what comes behind them.
    [[nodiscard]] std::size_t held() const { return held_; }

 private:
    const HiddenTexts* texts_;
    std::string text_;     // what is held back, as it came, and then the piece behind it
    std::string covered_;  // of each of its octets: is it part of one?
    std::string shown_;
    std::size_t held_ = 0;  // octets
};

}  // namespace gh::gateway::proxy
