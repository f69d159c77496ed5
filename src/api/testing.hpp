#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/handle.hpp"
#include "api/path_tree.hpp"
#include "api/reply.hpp"
#include "api/route.hpp"
#include "base/run_inline.hpp"
#include "codec/json.hpp"

// Requests without a gateway, so that handlers are tested by calling them.

namespace gh::api {

/// A request as the test wrote it.
///
///     FakeCall call("PATCH", "/api/v1/users/{user}", "/api/v1/users/ada");
///     call.with("If-Match", "\"1\"").send(R"({"roles":["user"]})");
///     const auto reply = call.ask(handle);
class FakeCall {
 public:
    /// @param target  normalised path, and "?query"
    FakeCall(std::string_view method, std::string_view path_template, std::string_view target)
        : template_(path_template), target_(target) {
        head_.method = http::method_of(method);
        head_.method_text = kept_.emplace_back(method);
        head_.target = target_;
        parameters_ = *parameters_of(template_, path());
    }
    FakeCall(std::string_view method, std::string_view target) : FakeCall(method, target, target) {}
    FakeCall(const FakeCall&) = delete;
    FakeCall& operator=(const FakeCall&) = delete;

    FakeCall& with(std::string_view name, std::string_view value) {
        head_.fields.add(kept_.emplace_back(name), kept_.emplace_back(value));
        return *this;
    }
    FakeCall& send(std::string body) {
        body_ = std::move(body);
        return *this;
    }
    FakeCall& holding(access::ClientCertificate certificate) {
        certificate_ = std::move(certificate);
        return *this;
    }
    FakeCall& as(access::Principal principal) {
        principal_ = std::move(principal);
        return *this;
    }

    [[nodiscard]] Call call() const {
        const auto mark = target_.find('?');
        return {.head = head_,
                .path = path(),
                .query = mark == std::string::npos ? std::string_view{}
                                                   : std::string_view(target_).substr(mark + 1),
                .principal = principal_,
                .request_id = "r-1",
                .correlation_id = "c-1",
                .client_ip = "192.0.2.1",
                .certificate = certificate_ ? &*certificate_ : nullptr,
                .parameters = parameters_,
                .body = body_};
    }

    /// Runs a handler that has nothing to wait for.
    [[nodiscard]] Result<Reply> ask(const Handle& handle) const {
        auto done = run_inline(handle(call()));
        return done ? *std::move(done) : fail(ErrorKind::internal, "test.suspended");
    }

 private:
    [[nodiscard]] std::string_view path() const {
        return std::string_view(target_).substr(0, target_.find('?'));
    }
    std::string template_;
    std::string target_;
    std::deque<std::string> kept_;
    http::RequestHead head_;
    access::Principal principal_;
    std::optional<access::ClientCertificate> certificate_;
    std::vector<Parameter> parameters_;
    std::string body_;
};

/// "pointer code" of each field error of a problem, one a line.
[[nodiscard]] inline std::string errors_in(const Reply& reply) {
    const auto problem = codec::json::parse(reply.body);
    const auto* errors = problem ? problem->find("errors") : nullptr;
    std::string text;
    if (errors == nullptr) return text;
    for (const auto& error : *errors->array()) {
        const auto* where = error.find_string("pointer");
        if (where == nullptr) where = error.find_string("parameter");
        text += *where + " " + *error.find_string("code") + "\n";
    }
    return text;
}

}  // namespace gh::api
