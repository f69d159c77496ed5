#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/reply.hpp"
#include "base/error.hpp"

// What clients are told when something is refused: problem documents with types of RFC 8555 §6.7. Errors of this folder whose
// reason stands in the table have details that are written for clients; those of all others stay in the log.

namespace gh::pki::acme {

struct ProblemRow {
    std::string_view reason;  ///< "acme.bad_nonce"
    std::string_view type;    ///< "badNonce", behind "urn:ietf:params:acme:error:"
    std::uint16_t status;
    std::string_view title;             ///< in a sentence
    std::string_view retry_after = {};  ///< seconds; empty: nothing is won by waiting
};

/// The row of a reason; null for what is none of the protocol's.
[[nodiscard]] const ProblemRow* problem_of(std::string_view reason);

/// The document itself, as orders and challenges keep it: {"type":...,"detail":...,"status":...}.
[[nodiscard]] std::string problem_text(const Error& error);

/// An answer of application/problem+json. What is no refusal of the protocol becomes `serverInternal`, and goes to the log.
[[nodiscard]] api::Reply problem_reply(const Error& error);

}  // namespace gh::pki::acme
