#include <fmt/format.h>

#include <algorithm>

#include "app/inherited_variable.hpp"
#include "codec/base64.hpp"
#include "codec/https_url.hpp"
#include "config/text.hpp"

namespace gh::app::inherited {
namespace {

constexpr std::string_view usual_path = "/acme/directory";

bool anybody_asks(const Settings& settings) {
    return std::ranges::any_of(settings.listeners,
                               [](const auto& each) { return each.tls && each.tls->acme; });
}

}  // namespace

void pki_server_url(const Overlay& overlay, std::string_view value) {
    std::string directory(config::trim(value));
    const auto url = codec::parse_https_url(directory);
    if (!url) {
        overlay.refuse(fmt::format("{} {}", config::quote(directory), url.error().detail));
        return;
    }
    if (url->target == "/") {
        if (directory.ends_with('/')) directory.pop_back();
        directory += usual_path;
    }
    overlay.settings.pki.acme_client.directory = std::move(directory);
    overlay.decide("pki.acme_client.directory");
    auto& listeners = overlay.settings.listeners;
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        auto& tls = listeners[i].tls;
        if (!tls || !tls->certificates.empty()) continue;
        tls->acme = true;
        overlay.decide(fmt::format("listeners[{}].tls.certificate", i));
    }
}

void ca_password(const Overlay& overlay, std::string_view value) {
    auto& external = overlay.settings.pki.acme_client.external_account;
    const auto text = config::trim(value);
    const auto colon = text.rfind(':');
    const auto key = colon == text.npos ? text : text.substr(colon + 1);
    const auto key_id =
        colon == text.npos ? std::string_view(external.key_id) : text.substr(0, colon);
    const auto decoded = codec::decode_base64url(key);
    if (key_id.empty() || !decoded || decoded->empty()) {
        constexpr std::string_view why =
            "is no key of an account with a CA, wanted: KEY-ID:HMAC-KEY, as gatehouse ca acme-key "
            "and other CAs give it";
        if (anybody_asks(overlay.settings)) {
            overlay.refuse(std::string(why));
        } else {
            overlay.warn(fmt::format("{}; it is not used", why));
        }
        return;
    }
    external.key_id = key_id;
    external.hmac_key = config::Secret(std::string(key));
    overlay.decide("pki.acme_client.external_account");
}

}  // namespace gh::app::inherited
