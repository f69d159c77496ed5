#include "api/reply.hpp"

#include "api/problem.hpp"

namespace gh::api {

Reply no_content() {
    Reply answer;
    answer.status = 204;
    return answer;
}

Reply refusal(const Call& call, std::uint16_t status, std::string_view code,
              std::string_view detail, std::span<const FieldError> errors) {
    Reply answer;
    answer.status = status;
    answer.content_type = problem_content_type;
    answer.code = code;
    append_problem(answer.body, {.status = status,
                                 .code = code,
                                 .detail = detail,
                                 .request_id = call.request_id,
                                 .errors = errors});
    return answer;
}

}  // namespace gh::api
