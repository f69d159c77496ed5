#include "gateway/filters/check_host.hpp"

#include "gateway/exchange.hpp"

namespace gh::gateway {

namespace {

/// A listener for operators that only this machine reaches goes by this machine's names, whatever the public ones are; a
/// name that somebody made point here is none of them.
bool is_local(const Exchange& exchange) {
    const auto host = host_of(exchange.request().authority);
    const auto& listener = exchange.listener->config;
    return listener.bind.loopback() && !listener.serves(net::Service::gateway) &&
           (http::equals_ignoring_case(host, "localhost") || host == "127.0.0.1" ||
            host == "[::1]");
}

}  // namespace

Verdict CheckHost::on_request(Exchange& exchange) {
    if (is_local(exchange) || exchange.snapshot->is_allowed_host(exchange.request().authority)) {
        return Verdict::walk_on;
    }
    exchange.refuse(421, "host.unknown", "This host is not served here.");
    return Verdict::answered;
}

}  // namespace gh::gateway
