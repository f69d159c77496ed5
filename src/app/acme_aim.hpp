#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/settings.hpp"
#include "app/tls_material.hpp"
#include "pki/acme_client/client.hpp"

namespace gh::app {

/// What a CA's certificate is for: `pki.acme_client.domains`, else the names of `allowed_hosts` that can be ordered, else
/// this machine's, where it has a domain. Empty: nobody can tell.
[[nodiscard]] std::vector<std::string> acme_domains(const Settings& settings);

/// What the ACME client is to get; nothing where no listener wants it.
[[nodiscard]] std::optional<pki::acme_client::Aim> acme_aim(const Settings& settings);

/// The client, with what it has kept for `settings`; `tls` serves with it from now on.
/// @param tls, registry, log  outlive it, but `tls` does not use it once it is gone
[[nodiscard]] std::unique_ptr<pki::acme_client::Client> open_acme_client(
    const Settings& settings, TlsMaterial& tls, telemetry::Registry& registry, telemetry::Log& log);

}  // namespace gh::app
