#include "api/problem.hpp"

#include <charconv>

#include "http/message.hpp"
#include "telemetry/json_text.hpp"

namespace gh::api {

void append_problem(std::string& out, const Problem& problem) {
    const auto member = [&out](std::string_view name, std::string_view value) {
        out += ",\"";
        out += name;
        out += "\":\"";
        telemetry::append_json_text(out, value);
        out += '"';
    };
    char status[8];
    const auto end = std::to_chars(status, status + sizeof status, problem.status).ptr;
    out += "{\"type\":\"about:blank\"";
    member("title", http::reason_phrase(problem.status));
    out += ",\"status\":";
    out.append(status, end);
    member("code", problem.code);
    if (!problem.detail.empty()) member("detail", problem.detail);
    member("request_id", problem.request_id);
    out += "}\n";
}

std::uint16_t status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_argument: return 400;
        case ErrorKind::unauthenticated: return 401;
        case ErrorKind::permission_denied: return 403;
        case ErrorKind::not_found: return 404;
        case ErrorKind::conflict: return 409;
        case ErrorKind::exhausted: return 429;
        case ErrorKind::unavailable: return 503;
        case ErrorKind::deadline_exceeded: return 504;
        case ErrorKind::corrupt:
        case ErrorKind::internal: break;
    }
    return 500;
}

}  // namespace gh::api
