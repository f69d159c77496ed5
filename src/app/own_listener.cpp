#include "app/own_listener.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gh::app {
namespace {

/// A name that the listener goes by: CheckHost refuses others.
std::string host_for(const Settings& settings, const net::ListenerConfig& listener) {
    if (listener.bind.loopback()) return "localhost";
    const auto plain = [](const std::string& name) { return !name.contains('*'); };
    const auto named = std::ranges::find_if(settings.allowed_hosts, plain);
    return named == settings.allowed_hosts.end() ? "localhost" : *named;
}

}  // namespace

const net::ListenerConfig* listener_serving(const Settings& settings, net::Service wanted,
                                            net::Service otherwise) {
    const auto rank = [wanted](const net::ListenerConfig& listener) {
        return (listener.serves(wanted) ? 0 : 1) + (listener.tls ? 2 : 0);
    };
    const net::ListenerConfig* best = nullptr;
    for (const auto& listener : settings.listeners) {
        if (!listener.serves(wanted) && !listener.serves(otherwise)) continue;
        if (best == nullptr || rank(listener) < rank(*best)) best = &listener;
    }
    return best;
}

Result<Question> question_to(const net::ListenerConfig& listener, const Settings& settings,
                             std::string target) {
    if (listener.bind.port == 0) {
        return fail(
            ErrorKind::not_found, "health.no_port",
            fmt::format("the system picks the port of listener {}; say --url", listener.name));
    }
    const auto& bound = listener.bind.host;
    const bool everywhere = bound == "::" || bound == "0.0.0.0";
    Question question;
    question.url.tls = listener.tls.has_value();
    question.url.host = everywhere ? "127.0.0.1" : bound;
    question.url.port = listener.bind.port;
    question.url.authority = net::BindAddress{question.url.host, question.url.port}.text();
    question.url.target = std::move(target);
    question.authority = fmt::format("{}:{}", host_for(settings, listener), listener.bind.port);
    return question;
}

}  // namespace gh::app
