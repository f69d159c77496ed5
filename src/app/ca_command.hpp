#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config_command.hpp"
#include "app/settings.hpp"
#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "pki/authority.hpp"

namespace gh::app {

struct CaOptions {
    std::string serial;
    std::vector<std::string> names;      ///< of a new certificate: host names, addresses, URIs
    std::vector<std::string> permitted;  ///< domains and networks the CA is bound to
    std::string offline_root;            ///< file of the sealed root
    std::string csr;                     ///< file of a signing request
    std::string label;                   ///< of an ACME key, for people; or the id of what ends
    std::string expires = "30d";         ///< until when an ACME key must be used
    std::string token_expires = "1h";    ///< until when the token of an enrolment must be used
    std::string profile, key = "ec", lifetime, common_name, reason = "unspecified";
    std::string out;                              ///< PREFIX.pem and PREFIX.key; of infra: a folder
    std::vector<std::string> postgres, rabbitmq;  ///< host names of the servers
    std::string role = "gatehouse";               ///< whom a client certificate for them stands for
    std::optional<crypto::Secret> passphrase;
    bool json = false, expiring = false;
    bool replace = false;  ///< files that are there
    bool new_key = false;  ///< of the intermediate; those before are revoked
};

/// What the options say of a certificate.
/// @param usual  the profile, where none is said
/// @return also `invalid_argument` "usage", "ca.name_invalid"
[[nodiscard]] Result<pki::LeafRequest> leaf_request(const CaOptions& options, pki::Profile usual);

using CaVerb = CommandResult (*)(const Overrides&, const Surroundings&, const CaOptions&);

/// `ca init`: makes what is missing, binds the CA to names, takes the root's key away.
[[nodiscard]] CommandResult ca_init(const Overrides& overrides, const Surroundings& surroundings,
                                    const CaOptions& options);
/// `ca renew`: signs the intermediate anew.
[[nodiscard]] CommandResult ca_renew(const Overrides& overrides, const Surroundings& surroundings,
                                     const CaOptions& options);
[[nodiscard]] CommandResult ca_show(const Overrides& overrides, const Surroundings& surroundings,
                                    const CaOptions& options);
/// `ca issue`: for a request, or with a key of its own making.
[[nodiscard]] CommandResult ca_issue(const Overrides& overrides, const Surroundings& surroundings,
                                     const CaOptions& options);
[[nodiscard]] CommandResult ca_revoke(const Overrides& overrides, const Surroundings& surroundings,
                                      const CaOptions& options);
/// `ca infra`: ready files for PostgreSQL and RabbitMQ.
[[nodiscard]] CommandResult ca_infra(const Overrides& overrides, const Surroundings& surroundings,
                                     const CaOptions& options);

/// `ca acme-key`: who has it may have one ACME account.
[[nodiscard]] CommandResult ca_acme_key(const Overrides& overrides,
                                        const Surroundings& surroundings, const CaOptions& options);
/// `ca acme-accounts`: all of them, and the keys that were not used.
[[nodiscard]] CommandResult ca_acme_accounts(const Overrides& overrides,
                                             const Surroundings& surroundings,
                                             const CaOptions& options);
/// `ca acme-revoke`: ends one, or such a key.
[[nodiscard]] CommandResult ca_acme_revoke(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const CaOptions& options);

/// `ca enrol-token`: who has it may have one certificate, and renew it.
[[nodiscard]] CommandResult ca_enrol_token(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const CaOptions& options);
[[nodiscard]] CommandResult ca_enrolments(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const CaOptions& options);
/// `ca enrol-revoke`: ends one with all that came of it.
[[nodiscard]] CommandResult ca_enrol_revoke(const Overrides& overrides,
                                            const Surroundings& surroundings,
                                            const CaOptions& options);

}  // namespace gh::app
