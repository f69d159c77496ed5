#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/call.hpp"
#include "api/stream.hpp"
#include "api/type.hpp"
#include "base/error.hpp"
#include "base/task.hpp"

namespace gh::api {

/// An answer of ours. It is not cached unless it says so (Cache-Control).
struct Reply {
    std::uint16_t status = 200;
    std::string content_type = "application/json";  ///< not sent where there is no body to have it
    std::string body;
    std::shared_ptr<const std::string> shared_body;  ///< instead of `body`: one for all who ask
    /// Instead of `body`: tells the body as it comes, until it returns. Runs when the handler has ended, and has what it needs.
    std::function<Task<>(Stream&)> tell;
    /// Instead of all that: what goes on when the connection has become a WebSocket. A request that asks for none is refused.
    std::function<Task<>(Talk&)> talk;
    std::vector<std::pair<std::string, std::string>> fields;  ///< besides Content-Type
    std::string_view code;  ///< of a refusal, for the log; static storage
    std::optional<Error>
        failure;  ///< for the log alone: what went wrong, said here in words of another protocol
};

template <class T>
[[nodiscard]] Reply reply(std::uint16_t status, const Type<T>& type, const T& value) {
    Reply answer;
    answer.status = status;
    answer.body = type.json(value);
    return answer;
}

/// 201: what was made, and where it is from now on.
/// @param location  a path of ours
template <class T>
[[nodiscard]] Reply created(std::string location, const Type<T>& type, const T& value) {
    auto answer = reply(201, type, value);
    answer.fields.emplace_back("Location", std::move(location));
    return answer;
}

/// 204
[[nodiscard]] Reply no_content();

/// A problem document (RFC 9457).
/// @param code    stable token, static storage: "user.exists"
/// @param detail  for the client's eyes
[[nodiscard]] Reply refusal(const Call& call, std::uint16_t status, std::string_view code,
                            std::string_view detail, std::span<const FieldError> errors = {});

}  // namespace gh::api
