#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

// What is personal or secret, taken out of log lines before they are kept or sent.

namespace gh::telemetry {

enum class RedactedKind : std::uint8_t { email, card, ssn, secret, token, ip };

/// "email", "card", "ssn", "secret", "token", "ip": what stands in the place of a value, in brackets.
[[nodiscard]] std::string_view name_of(RedactedKind kind);
[[nodiscard]] std::optional<RedactedKind> redacted_kind_of(std::string_view name);

/// Code of a value under a key of the house, so that the same value is recognised in many lines. Thread-safe.
using PseudonymOf = std::function<std::uint32_t(std::string_view value)>;

struct RedactionRules {
    std::vector<RedactedKind> kinds;
    /// Pass as they are: values (any case), "*@example.com" (a domain's mailboxes), "10.0.0.0/8" (addresses).
    std::vector<std::string> allow;
    PseudonymOf pseudonym;  ///< unset: "[email]"; set: "[email:3f9a1c02]", but never of a `secret`
};

/// Finds and replaces. Immutable, and safe to share among threads. One pass over what holds nothing; linear in the size
/// of any input.
class Redactor {
 public:
    /// A line of JSON stays JSON: nothing that is replaced reaches beyond its string, no escape is cut, and a number becomes
    /// a string. In plain text a quote is a quote.
    enum class Form : std::uint8_t { json, text };

    /// @return `invalid_argument` "redaction.allow": an entry that is empty or a broken range
    [[nodiscard]] static Result<std::shared_ptr<const Redactor>> make(RedactionRules rules);
    ~Redactor();

    /// Of JSON the values may hold escapes: \u0040 and %40 are read as '@', \" (at any depth of JSON within JSON) as a quote,
    /// \n, \r and \t as ends of a word. Other characters that are written as escapes are not decoded.
    ///
    /// @param text  any bytes
    /// @param out   overwritten with the text without what was found; not touched where nothing was
    /// @return      whether something was found
    [[nodiscard]] bool redact(std::string_view text, std::string& out,
                              Form form = Form::json) const;

 private:
    struct Impl;
    explicit Redactor(std::unique_ptr<const Impl> impl);
    std::unique_ptr<const Impl> impl_;
};

}  // namespace gh::telemetry
