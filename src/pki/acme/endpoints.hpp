#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "audit/record.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/acme/server.hpp"

// What answers below /acme; routes.cpp has the table. Errors become problem documents there.

namespace gh::pki::acme {

using Answer = Task<Result<api::Reply>>;

[[nodiscard]] Answer new_account(Server& server, api::Call call, std::string_view body);
/// Shows, changes, deactivates.
[[nodiscard]] Answer account(Server& server, api::Call call, std::string_view body);
[[nodiscard]] Answer account_orders(Server& server, api::Call call, std::string_view body);
[[nodiscard]] Answer key_change(Server& server, api::Call call, std::string_view body);

[[nodiscard]] Answer new_order(Server& server, api::Call call, std::string_view body);
[[nodiscard]] Answer order(Server& server, api::Call call, std::string_view body);
[[nodiscard]] Answer finalize(Server& server, api::Call call, std::string_view body);

/// Shows, deactivates.
[[nodiscard]] Answer authorization(Server& server, api::Call call, std::string_view body);
/// Shows, begins.
[[nodiscard]] Answer challenge(Server& server, api::Call call, std::string_view body);

[[nodiscard]] Answer certificate(Server& server, api::Call call, std::string_view body);
[[nodiscard]] Answer revoke_certificate(Server& server, api::Call call, std::string_view body);
/// RFC 9773
[[nodiscard]] Answer renewal_info(Server& server, api::Call call);

/// An act of an account, for the audit log.
[[nodiscard]] audit::Record act_of(const api::Call& call, const Account& account,
                                   std::string action, std::string object_type,
                                   std::string object_id);
/// Whom the inventory names as the holder of what an account got.
[[nodiscard]] std::string holder_of(const Account& account);

/// JSON of RFC 8555 §7.1.2 to §7.1.5.
[[nodiscard]] std::string text_of(const Server& server, const Account& account);
[[nodiscard]] std::string text_of(const Server& server, const WholeOrder& whole, SystemTime now);
[[nodiscard]] std::string text_of(const Server& server, const Authorization& authorization,
                                  SystemTime now);
[[nodiscard]] std::string challenge_text(const Server& server, const Authorization& authorization,
                                         ChallengeType type, SystemTime now);
[[nodiscard]] api::Reply json_reply(std::uint16_t status, std::string body);

}  // namespace gh::pki::acme
