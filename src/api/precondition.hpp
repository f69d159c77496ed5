#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "api/reply.hpp"

namespace gh::api {

/// A strong entity tag (RFC 9110 §8.8.3) of a thing that counts its changes: "\"7\"".
[[nodiscard]] std::string etag_of_version(std::uint64_t version);
/// One of a text that has no version.
[[nodiscard]] std::string etag_of_text(std::string_view text);

/// What a request's If-Match and If-None-Match say of the thing as it is now, in the order of RFC 9110 §13.2.2. If-Match
/// compares strongly, If-None-Match weakly.
///
/// @param etag  of the thing; nothing where it does not exist
/// @return      nothing: go on. Else the answer: 304 for GET and HEAD with a tag the client has, 412, or 400 when a field
///              is malformed
[[nodiscard]] std::optional<Reply> judge_preconditions(const Call& call,
                                                       std::optional<std::string_view> etag);

/// The same for a change that nobody may make without having seen what is there: 428 where If-Match is absent
/// (RFC 6585 §3), so that two who edit at once do not undo each other unawares.
[[nodiscard]] std::optional<Reply> judge_change(const Call& call,
                                                std::optional<std::string_view> etag);

}  // namespace gh::api
