#include "pki/acme_client/config.hpp"

#include <algorithm>

#include "codec/base64.hpp"
#include "codec/https_url.hpp"
#include "config/object.hpp"
#include "config/types.hpp"
#include "pki/acme/bodies.hpp"
#include "pki/acme/identifier.hpp"

namespace gh::pki::acme_client {
namespace {

std::string same(const std::string& text) { return text; }

std::unexpected<Error> bad(std::string why) {
    return fail(ErrorKind::invalid_argument, "config.value", std::move(why));
}

Result<std::string> domain_of(const std::string& text) {
    const auto name = acme::read_identifier(text);
    if (!name || acme::is_wildcard(*name))
        return bad(
            "is no name that can be ordered, wanted: a DNS name of two labels at least, "
            "without *");
    return *name;
}

Result<std::string> contact_of(const std::string& text) {
    const bool plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
    const auto at = text.find('@');
    const bool good = plain && at != std::string::npos && at > 0 && at + 1 < text.size() &&
                      text.find_first_of("@,?:\"<>\\", at + 1) == std::string::npos &&
                      text.find_first_of(",?:\"<>\\") == std::string::npos &&
                      text.size() <= acme::contact_bytes_max - 16;
    if (!good) return bad("is no mail address, wanted: ops@example.com");
    return text;
}

config::Type<AcmeClientConfig::ExternalAccount> external_account_type() {
    using External = AcmeClientConfig::ExternalAccount;
    config::Object<External> table;
    table.key("key_id", &External::key_id, config::text({.bytes_max = 512}),
              "What the CA calls the key.");
    table.key("hmac_key", &External::hmac_key, config::secret(),
              "The key, base64url, as the CA gave it.");
    table.check([](const config::Node& node, config::Reader& reader, const External& external) {
        const auto key = codec::decode_base64url(external.hmac_key.view());
        if (external.hmac_key.empty() || (key && !key->empty())) return true;
        reader.refuse(node, "has an hmac_key that is no base64url text, as the CA gives it");
        return false;
    });
    return table.type();
}

}  // namespace

Result<std::string> directory_of(const std::string& text) {
    if (auto url = codec::parse_https_url(text); !url) return bad(std::move(url.error().detail));
    return text;
}

config::Type<AcmeClientConfig> acme_client_type() {
    config::Object<AcmeClientConfig> table;
    table.key("directory", &AcmeClientConfig::directory,
              config::parsed_text<std::string>(&directory_of, &same),
              "Where the CA answers; asking it for a certificate agrees to its terms of service.");
    table.key("ca_file", &AcmeClientConfig::ca_file, config::maybe(config::file_path()),
              "PEM: who vouches for the CA's own server. Left out: the system's authorities.");
    table.key("contacts", &AcmeClientConfig::contacts,
              config::list_of(config::parsed_text<std::string>(&contact_of, &same),
                              {.items_max = acme::contacts_max}),
              "Mail addresses that the CA may write to.");
    table.key("domains", &AcmeClientConfig::domains,
              config::list_of(config::parsed_text<std::string>(&domain_of, &same),
                              {.items_max = acme::identifiers_max}),
              "What the certificate is for. Left out: the names of allowed_hosts.");
    table.key(
        "challenge", &AcmeClientConfig::challenge,
        config::choice<ChallengeChoice>({{"any", ChallengeChoice::any},
                                         {"http-01", ChallengeChoice::http_01},
                                         {"tls-alpn-01", ChallengeChoice::tls_alpn_01}}),
        "How names are proven: over plain HTTP on port 80, in a TLS handshake on port 443, or "
        "by turns.");
    table.key("external_account", &AcmeClientConfig::external_account, external_account_type(),
              "For CAs that give accounts only to whom they know.");
    return table.type();
}

}  // namespace gh::pki::acme_client
