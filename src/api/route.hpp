#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/access.hpp"
#include "api/handle.hpp"
#include "api/problem.hpp"
#include "api/reply.hpp"

namespace gh::api {

/// An answer that a route gives when all is well, for the OpenAPI document.
struct Answer {
    std::uint16_t status = 200;
    std::string doc;
    std::string media_type;  ///< empty: no body
    Describe describe;       ///< null: any
};

template <class T>
[[nodiscard]] Answer answers(std::uint16_t status, std::string doc, Type<T> type) {
    return {status, std::move(doc), "application/json",
            [type](codec::json::Writer& out, Schemas& schemas) { type.describe(out, schemas); }};
}

/// How the clients of somebody else's API speak, where a room answers it.
struct Dialect {
    /// Holds any credential of ours, key or token; Authorization: Bearer does so as well then.
    std::string_view token_field;
    /// A refusal in its words.
    Reply (*refuse)(const Problem& problem);
};

/// One row of a room's table. There is no default for `access`: a handler cannot forget it.
struct Route {
    std::string method;  ///< GET rows answer HEAD too
    std::string path;    ///< a template, see PathTree; what metrics and logs call the route
    access::Access access;
    Handle handle;
    std::string summary;  ///< one line of the OpenAPI document
    std::vector<Answer> answers;
    std::size_t body_bytes_max = std::size_t{1} << 20;  ///< larger bodies get 413
    bool encoded_slash = false;                         ///< a parameter may hold %2F
    bool counted = true;  ///< in http_requests_total; not what watches over us: health, metrics
    const Dialect* dialect = nullptr;  ///< null: problem documents, credentials as everywhere
};

}  // namespace gh::api
