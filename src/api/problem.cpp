#include "api/problem.hpp"

#include "http/message.hpp"

namespace gh::api {

using codec::json::Writer;

void append_problem(std::string& out, const Problem& problem) {
    Writer json(out);
    json.begin_object().name("type").string("about:blank");
    json.name("title").string(http::reason_phrase(problem.status));
    json.name("status").integer(problem.status).name("code").string(problem.code);
    if (!problem.detail.empty()) json.name("detail").string(problem.detail);
    json.name("request_id").string(problem.request_id);
    if (!problem.errors.empty()) {
        json.name("errors").begin_array();
        for (const auto& error : problem.errors) {
            json.begin_object();
            json.name(error.in == FieldError::In::body ? "pointer" : "parameter");
            json.string(error.where).name("code").string(error.code);
            json.name("detail").string(error.detail).end_object();
        }
        json.end_array();
    }
    json.end_object();
    out += '\n';
}

void describe_problem(Writer& out, Schemas& schemas) {
    schemas.refer(out, "Problem", [](Writer& schema) {
        schema.raw(R"({"type":"object","description":"What went wrong (RFC 9457).",)"
                   R"("additionalProperties":false,)"
                   R"("required":["type","title","status","code","request_id"],"properties":{)"
                   R"("type":{"const":"about:blank"},"title":{"type":"string"},)"
                   R"("status":{"type":"integer","minimum":400,"maximum":599},)"
                   R"("code":{"type":"string","description":"Stable; what programs look at."},)"
                   R"("detail":{"type":"string"},"request_id":{"type":"string"},)"
                   R"("errors":{"type":"array","items":{"type":"object",)"
                   R"("additionalProperties":false,"required":["code","detail"],"properties":{)"
                   R"("pointer":{"type":"string","description":"Into the body (RFC 6901)."},)"
                   R"("parameter":{"type":"string","description":"Of the query."},)"
                   R"("code":{"type":"string"},"detail":{"type":"string"}}}}}})");
    });
}

std::uint16_t status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_argument: return 400;
        case ErrorKind::unauthenticated: return 401;
        case ErrorKind::permission_denied: return 403;
        case ErrorKind::not_found: return 404;
        case ErrorKind::conflict: return 409;
        case ErrorKind::
            exhausted:  // of ours: a queue, a disk; callers' limits are filters' to judge
        case ErrorKind::unavailable:
        case ErrorKind::deadline_exceeded: return 503;
        case ErrorKind::corrupt:
        case ErrorKind::internal: break;
    }
    return 500;
}

}  // namespace gh::api
