#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/access.hpp"
#include "access/principal.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "http/message.hpp"

namespace gh::api {

/// What a handler of ours gets to see of a request. Views are valid until its task ends.
struct Call {
    const http::RequestHead& head;
    std::string_view path;   ///< normalised
    std::string_view query;  ///< without '?'
    const access::Principal& principal;
    std::string_view request_id;
};

struct Reply {
    std::uint16_t status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> fields;  ///< besides Content-Type
};

using Handle = std::function<Task<Result<Reply>>(Call)>;

/// One row of a room's table. There is no default for `access`: a handler cannot forget it.
struct Route {
    std::string method;  ///< GET rows answer HEAD too
    std::string path;    ///< exactly this one
    access::Access access;
    Handle handle;
    bool counted = true;  ///< in http_requests_total; not what watches over us: health, metrics
};

}  // namespace gh::api
