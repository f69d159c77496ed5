#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pki/acme/server_testing.hpp"
#include "pki/acme_client/transport.hpp"

namespace gh::pki::acme_client {

/// Our own server, asked without a network. A test may answer in its place.
class Direct final : public Transport {
 public:
    explicit Direct(std::vector<api::Route>& table) : table_(table) {}
    Task<Result<Answer>> ask(std::string url, std::string body, milliseconds) override {
        asked.push_back(url);
        if (instead) {
            if (auto answer = instead(url, body)) co_return *std::move(answer);
        }
        auto& fake =
            calls_.emplace_back(body.empty() ? "GET" : "POST", url.substr(acme::base.size()));
        fake.send(std::move(body));
        auto call = fake.call();
        for (const auto& route : table_) {
            if (route.method != call.head.method_text || !acme::fits(route.path, call.path))
                continue;
            const auto parameters = api::parameters_of(route.path, call.path).value();
            call.parameters = parameters;
            auto handled = route.handle(call);
            GH_CO_TRY(auto reply, co_await std::move(handled));
            co_return Answer{.status = reply.status,
                             .location = acme::field_of(reply, "Location"),
                             .nonce = acme::field_of(reply, "Replay-Nonce"),
                             .retry_after = acme::field_of(reply, "Retry-After"),
                             .body = std::move(reply.body)};
        }
        co_return Answer{.status = 404};
    }
    std::vector<std::string> asked;
    std::function<std::optional<Result<Answer>>(const std::string&, const std::string&)> instead;

 private:
    std::vector<api::Route>& table_;
    std::deque<api::FakeCall> calls_;
};

inline Answer problem(std::uint16_t status, std::string_view type, std::string retry_after = {}) {
    return {.status = status,
            .retry_after = std::move(retry_after),
            .body = R"({"type":"urn:ietf:params:acme:error:)" + std::string(type) +
                    R"(","detail":"because"})"};
}

}  // namespace gh::pki::acme_client
