#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace gh::codec {

struct FormLimits {
    std::size_t bytes_max = 1 << 20;
    std::size_t pairs_max = 128;
};

/// Names and values of application/x-www-form-urlencoded (URL standard §5.1), decoded: a query, or the body of a form.
class Form {
 public:
    using Pair = std::pair<std::string, std::string>;

    [[nodiscard]] const std::vector<Pair>& pairs() const { return pairs_; }
    [[nodiscard]] std::vector<Pair> take() && { return std::move(pairs_); }
    /// The value of the first pair of this name, or null.
    [[nodiscard]] const std::string* find(std::string_view name) const;
    /// A name that is there twice: parsers differ on which one counts, so whoever reads a form refuses it
    /// (RFC 6749 §3.1 says so for OAuth). Null: there is none.
    [[nodiscard]] const std::string* duplicate() const;

 private:
    friend Result<Form> parse_form(std::string_view, FormLimits);
    std::vector<Pair> pairs_;
};

/// Strict: ASCII without spaces and control characters, every "%" followed by two hex digits, and UTF-8 once decoded.
/// "+" is a space. A piece without "=" is a name with an empty value; empty pieces ("a=1&&b=2") mean nothing.
///
/// @return `invalid_argument` with "form.too_large", "form.too_many", "form.characters", "percent.bad_escape" or
///         "form.not_utf8"
[[nodiscard]] Result<Form> parse_form(std::string_view text, FormLimits limits = {});

}  // namespace gh::codec
