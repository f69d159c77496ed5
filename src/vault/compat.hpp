#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "api/route.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "vault/policy.hpp"
#include "vault/room.hpp"

// What the routes have in common that clients of KV stores speak: how they answer, how they refuse, and who is let in.

namespace gh::vault {

using Answered = Task<Result<api::Reply>>;

[[nodiscard]] api::Reply json(std::string body, std::uint16_t status = 200);
/// {"errors": [error]}; empty: none.
/// @param code  static storage
[[nodiscard]] api::Reply refused(std::uint16_t status, std::string_view code,
                                 std::string_view error);
/// To all who may not, whatever the reason.
[[nodiscard]] api::Reply permission_denied(std::string_view code);

/// What a request wants to do with its path. `write` is create or update, as the path is known or not: the handler looks.
enum class Want : std::uint8_t { read, list, write, update, patch, remove };

/// Which path that is: `place` with what the route's {names} say in their places; where it has none, what the route's {path...}
/// or {name} says stands behind it.
struct Door {
    Want want = Want::read;
    std::string_view place;   ///< "secret/data"; static storage
    bool asks_query = false;  ///< list=true wants a list
    bool is_silent = false;   ///< 204 is all that is answered
    bool folds = false;       ///< its names are in lower case, however they are asked for
    bool is_open = false;     ///< for whoever is known: no policy is asked
    bool wants_sudo = false;  ///< besides
};

/// Somebody who may.
struct Entry {
    api::Call call;
    Capabilities may;
    Want want = Want::read;
    bool wraps = false;  ///< the answer is kept, and a token answered for it
};

[[nodiscard]] std::string path_of(const Entry& entry);

using Answer = std::function<Answered(Room&, Entry, std::string_view body)>;

/// The rows of a table of routes, each with its door. What is answered to who wants it wrapped (X-Vault-Wrap-TTL) is kept, and
/// a token for it is answered.
class Table {
 public:
    explicit Table(Room& room) : room_(room) {}

    /// @param body_bytes_max  0: takes no body
    void add(std::string method, std::string path, Door door, Answer answer, std::string summary,
             std::size_t body_bytes_max = 0);
    /// Both methods that their clients write with.
    void add_write(const std::string& path, Door door, const Answer& answer,
                   const std::string& summary, std::size_t body_bytes_max);
    /// Without a door: for everybody.
    void add_public(std::string method, std::string path, api::Handle handle, std::string summary,
                    std::size_t body_bytes_max = 0);
    [[nodiscard]] std::vector<api::Route> take() && { return std::move(rows_); }

 private:
    void add_row(std::string method, std::string path, access::Access access, api::Handle handle,
                 std::string summary);

    Room& room_;
    std::vector<api::Route> rows_;
};

/// The credential that came along, as it was sent; empty where there is none in these fields.
[[nodiscard]] std::string_view presented_token(const api::Call& call);

inline constexpr std::size_t small_body_bytes_max = std::size_t{128} * 1024;

}  // namespace gh::vault
