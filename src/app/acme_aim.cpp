#include "app/acme_aim.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pki/acme/identifier.hpp"

namespace gh::app {
namespace {

constexpr std::uint16_t http_port = 80;

/// One that a CA may ask for the proof of http-01, on its port or behind something that leads there.
bool is_open_in_plain(const net::ListenerConfig& listener) {
    return !listener.tls && (!listener.redirect_to.empty() || listener.bind.port == http_port ||
                             !listener.bind.loopback());
}

}  // namespace

std::vector<std::string> acme_domains(const Settings& settings) {
    const auto& configured = settings.pki.acme_client.domains;
    if (!configured.empty()) return configured;
    std::vector<std::string> names;
    const auto add = [&names](const std::string& host) {
        const auto name = pki::acme::read_identifier(host);
        const bool can = name && !pki::acme::is_wildcard(*name) && !name->ends_with(".localhost");
        if (can && std::ranges::find(names, *name) == names.end() &&
            names.size() < pki::acme::identifiers_max)
            names.push_back(*name);
    };
    for (const auto& host : settings.allowed_hosts) add(host);
    if (!names.empty()) return names;
    std::array<char, 256> machine{};
    if (::gethostname(machine.data(), machine.size() - 1) == 0) add(machine.data());
    return names;
}

std::optional<pki::acme_client::Aim> acme_aim(const Settings& settings) {
    const bool wanted = std::ranges::any_of(
        settings.listeners, [](const auto& each) { return each.tls && each.tls->acme; });
    if (!wanted) return std::nullopt;
    auto config = settings.pki.acme_client;
    config.domains = acme_domains(settings);
    return pki::acme_client::Aim{
        .config = std::move(config),
        .http_first = std::ranges::any_of(settings.listeners, is_open_in_plain)};
}

std::unique_ptr<pki::acme_client::Client> open_acme_client(const Settings& settings,
                                                           TlsMaterial& tls,
                                                           telemetry::Registry& registry,
                                                           telemetry::Log& log) {
    auto client = std::make_unique<pki::acme_client::Client>(
        pki::acme_client::Client::Parts{.keys = tls.keys(),
                                        .log = log,
                                        .registry = registry,
                                        .lock_file = settings.data_dir / "keys" / "acme.lock"});
    client->aim_at(acme_aim(settings));
    tls.set_client(*client);
    return client;
}

}  // namespace gh::app
