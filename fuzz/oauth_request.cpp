// What anybody may send to the authorization server: parameters, requests for codes, redirect URIs, client metadata.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "identity/oauth/authorization_request.hpp"
#include "identity/oauth/device_repository.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/registration.hpp"
#include "identity/oauth/uri.hpp"

namespace {

using namespace gh;
using namespace gh::identity::oauth;

void demand(bool holds) {
    if (!holds) std::abort();
}

const Client& app() {
    static const auto client = [] {
        Client made;
        made.name = "App";
        made.redirect_uris = {"https://app.example/back", "http://127.0.0.1/back"};
        made.grants = {std::string(grant_code)};
        made.scopes = {"openid", "email"};
        made.resources = {"https://api.example/"};
        return made;
    }();
    return client;
}

void check_parameters(std::string_view input) {
    const auto parameters = Parameters::read(input);
    if (!parameters) return demand(row_of(parameters.error().reason) != nullptr);
    const auto again = Parameters::read(parameters->query());
    if (again) demand(again->query() == parameters->query());
    const auto redirect_uri = proven_redirect_uri(app(), *parameters);
    if (!redirect_uri) return;
    demand(redirect_uri->starts_with("https://app.example/back") ||
           redirect_uri->starts_with("http://127.0.0.1"));
    const auto request =
        read_authorization_request(app(), *parameters, *redirect_uri, "https://as.example");
    if (!request) return demand(row_of(request.error().reason) != nullptr);
    demand(request->challenge.size() == 43);
    demand(!request->portion.scopes.empty());
}

void check_uri(std::string_view input) {
    if (!valid_redirect_uri(input)) return;
    const auto source = policy_source_of(input);
    demand(source.find_first_of("; ,'\"\r\n") == std::string::npos);
    demand(!input.starts_with("javascript:") && !input.starts_with("data:"));
    demand(with_parameters(input, "code=x").starts_with(input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check_parameters(input);
    check_uri(input);
    if (const auto code = read_user_code(input)) demand(code->size() == user_code_characters);
    if (const auto metadata = read_client_metadata(input)) {
        if (const auto client = checked(*metadata)) demand(!client->scopes.empty());
    }
    return 0;
}
