#include "api/problem.hpp"

#include <gtest/gtest.h>

namespace gh::api {
namespace {

TEST(Problem, IsTheDocumentOfRfc9457WithACodeAndTheRequestsId) {
    std::string out;
    append_problem(
        out,
        {.status = 403, .code = "access.role", .detail = "say \"please\"", .request_id = "r-1"});
    EXPECT_EQ(
        out,
        "{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,\"code\":\"access.role\","
        "\"detail\":\"say \\\"please\\\"\",\"request_id\":\"r-1\"}\n");
}

TEST(Problem, NamesEachFieldThatIsAtFault) {
    const FieldError errors[] = {{FieldError::In::body, "/a~1b", "range", "Must be 1."},
                                 {FieldError::In::query, "limit", "type", "Must be a number."}};
    std::string out;
    append_problem(out, {.status = 422, .code = "c", .request_id = "r", .errors = errors});
    EXPECT_TRUE(
        out.ends_with(R"("errors":[{"pointer":"/a~1b","code":"range","detail":"Must be 1."},)"
                      R"({"parameter":"limit","code":"type","detail":"Must be a number."}]})"
                      "\n"))
        << out;
}

TEST(Problem, EveryKindOfErrorHasItsStatus) {
    EXPECT_EQ(status_of(ErrorKind::unauthenticated), 401);
    EXPECT_EQ(status_of(ErrorKind::exhausted), 503);
    EXPECT_EQ(status_of(ErrorKind::unavailable), 503);
    EXPECT_EQ(status_of(ErrorKind::deadline_exceeded), 503);
    EXPECT_EQ(status_of(ErrorKind::corrupt), 500);
}

}  // namespace
}  // namespace gh::api
