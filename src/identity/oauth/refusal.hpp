#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/reply.hpp"
#include "base/error.hpp"
#include "base/task.hpp"

namespace gh::identity::oauth {

/// A refusal in the words of the protocol. Its reason is finer than what the client is told, and goes to the log.
struct RefusalRow {
    std::string_view reason;       ///< "oauth.code_expired"
    std::string_view error;        ///< "invalid_grant" (RFC 6749 §5.2 and its successors)
    std::string_view description;  ///< for the client's developer
    std::uint16_t status = 400;
};

/// The row of a reason; null for what is no refusal of the protocol.
[[nodiscard]] const RefusalRow* row_of(std::string_view reason);

/// @param reason  one of the table; static storage
[[nodiscard]] std::unexpected<Error> refuse(std::string_view reason, std::string detail = {});

/// {"error": ..., "error_description": ...}
[[nodiscard]] api::Reply protocol_reply(const RefusalRow& row);

/// What `answer` refuses in the words of the protocol becomes its reply, and so does what fails here: 503
/// "temporarily_unavailable" or 500 "server_error". Other errors stay errors.
[[nodiscard]] Task<Result<api::Reply>> in_protocol(Task<Result<api::Reply>> answer);

}  // namespace gh::identity::oauth
