#pragma once

#include <span>
#include <string>
#include <string_view>

#include "access/authenticator.hpp"
#include "access/client_network.hpp"
#include "access/principal.hpp"
#include "api/stream.hpp"
#include "http/message.hpp"

namespace gh::api {

/// What stood in the place of `{name}` in a path.
struct Parameter {
    std::string_view name;
    std::string value;  ///< decoded once; UTF-8, not empty, without control characters
};

/// What a handler of ours gets to see of a request. Views are valid until its task ends.
struct Call {
    const http::RequestHead& head;
    std::string_view path;   ///< normalised
    std::string_view query;  ///< without '?'
    const access::Principal& principal;
    std::string_view request_id;
    std::string_view correlation_id = {};
    std::string_view client_ip = {};  ///< of the client itself where trusted proxies vouch for it
    /// What the connection's handshake verified; null: nothing.
    const access::ClientCertificate* certificate = nullptr;
    access::ClientNetwork client_network = {};  ///< the same, as limits by address count it
    std::span<const Parameter> parameters = {};
    std::string_view body = {};  ///< whole, of a media type that the route takes
    Client* client = nullptr;    ///< who waits for the answer; null: nobody in particular

    /// Does nobody want the answer any more? What takes long looks now and then.
    [[nodiscard]] bool client_gone() const { return client != nullptr && client->gone(); }

    /// The path parameter of this name; empty where the route has none.
    [[nodiscard]] std::string_view param(std::string_view name) const {
        for (const auto& parameter : parameters) {
            if (parameter.name == name) return parameter.value;
        }
        return {};
    }
};

}  // namespace gh::api
