#include <CLI/CLI.hpp>
#include <string>
#include <utility>

#include "app/verb_options.hpp"

namespace gh::app {
namespace {

CLI::App* add_verb(CLI::App& ca, Options& options, const std::string& name, const std::string& what,
                   const std::string& example, CaVerb run) {
    return add_state_verb(ca, options, name, what, "ca " + example, [&options, run] {
        if (!options.ca.offline_root.empty()) {
            auto line = typed_line();
            options.ca.passphrase.emplace(std::string_view(line));
            crypto::wipe(line.data(), line.size());
        }
        return run(state_overrides(options), surroundings(), options.ca);
    });
}

void add_authority(CLI::App& ca, Options& options) {
    auto& given = options.ca;
    auto* init = add_verb(ca, options, "init", "Make the CA where there is none; tells of it",
                          "init --offline-root /media/stick/root.pem < passphrase", ca_init);
    init->add_option("--offline-root", given.offline_root,
                     "Seal the root's key into this file and take it out of the house; the first "
                     "line of standard input is the passphrase");
    auto* renew = add_verb(ca, options, "renew", "Sign the intermediate anew, and the root's list",
                           "renew --offline-root /media/stick/root.pem < passphrase", ca_renew);
    renew->add_option("--offline-root", given.offline_root,
                      "The file with the root's key; the first line of standard input is the "
                      "passphrase");
    auto* new_key = renew->add_flag("--new-key", given.new_key,
                                    "With another key; the root revokes every intermediate before, "
                                    "and nothing that those signed is good any more");
    renew->add_option("--reason", given.reason, "unspecified, key_compromise, superseded, ...")
        ->needs(new_key);
    for (auto* each : {init, renew}) {
        each->add_option("--permit", given.permitted,
                         "A domain or network that certificates may name; all, where none is said")
            ->allow_extra_args(false);
    }
}

void add_leaves(CLI::App& ca, Options& options) {
    auto& given = options.ca;
    auto* issue =
        add_verb(ca, options, "issue", "Sign a certificate, for a key made here or a request",
                 "issue api.example.com --out api\n"
                 "  gatehouse ca issue --csr agent.csr --profile agent > agent.pem",
                 ca_issue);
    issue->add_option("NAME", given.names,
                      "Host names, addresses, URIs; with --csr: those it must ask for");
    auto* out = issue->add_option("--out", given.out, "Write PREFIX.pem and PREFIX.key");
    auto* csr =
        issue->add_option("--csr", given.csr, "Instead: a request (PKCS #10); prints the chain");
    auto* replace = issue->add_flag("--replace", given.replace, "Replace files that are there");
    issue->add_option("--profile", given.profile,
                      "server, client, agent or infrastructure; server");
    issue->add_option("--lifetime", given.lifetime, "A duration such as 30d; the profile's");
    auto* common_name = issue->add_option("--common-name", given.common_name,
                                          "One of the names; the first of them");
    auto* key =
        issue->add_option("--key", given.key, "Kind of the key: ec (P-256), ed25519 or rsa (3072)")
            ->check(CLI::IsMember({"ec", "ed25519", "rsa"}));
    for (auto* each : {out, replace, common_name, key}) csr->excludes(each);
    auto* revoke = add_verb(ca, options, "revoke", "End a certificate for good",
                            "revoke 00c0ffee --reason key_compromise", ca_revoke);
    revoke->add_option("SERIAL", given.serial, "Of gatehouse ca show")->required();
    revoke->add_option("--reason", given.reason, "unspecified, key_compromise, superseded, ...");
    auto* show = add_verb(ca, options, "show", "The CA and all it has signed, or one certificate",
                          "show --expiring", ca_show);
    show->add_option("SERIAL", given.serial, "One certificate with its chain");
    show->add_flag("--expiring", given.expiring, "Those that end within 14 days");
    show->add_flag("--json", given.json, "As a JSON array");
}

void add_acme(CLI::App& ca, Options& options) {
    auto& given = options.ca;
    auto* key =
        add_verb(ca, options, "acme-key", "A key for an ACME client's external account binding",
                 "acme-key \"build servers\"", ca_acme_key);
    key->add_option("NAME", given.label, "Whom it is for, as the audit log tells it")->required();
    key->add_option("--expires", given.expires, "An account must be made within; 30d");
    auto* accounts = add_verb(ca, options, "acme-accounts", "ACME accounts, and keys without one",
                              "acme-accounts --json", ca_acme_accounts);
    accounts->add_flag("--json", given.json, "As a JSON array");
    auto* revoke = add_verb(ca, options, "acme-revoke", "End an ACME account, or an unused key",
                            "acme-revoke 01890a5d-ac96-774b-bcce-b302099a8057", ca_acme_revoke);
    revoke->add_option("ID", given.label, "Of gatehouse ca acme-accounts")->required();
}

void add_enrolments(CLI::App& ca, Options& options) {
    auto& given = options.ca;
    auto* token =
        add_verb(ca, options, "enrol-token", "A one-time token for a certificate of its holder",
                 "enrol-token spiffe://example.org/agent/7 --profile agent", ca_enrol_token);
    token->add_option("NAME", given.names, "Host names, addresses, URIs of the certificate")
        ->required();
    token->add_option("--profile", given.profile,
                      "server, client, agent or infrastructure; client");
    token->add_option("--lifetime", given.lifetime, "Of a certificate: such as 30d; the profile's");
    token->add_option("--expires", given.token_expires, "The token must be used within; 1h");
    auto* list = add_verb(ca, options, "enrolments", "Tokens that were made, and what came of them",
                          "enrolments --json", ca_enrolments);
    list->add_flag("--json", given.json, "As a JSON array");
    auto* revoke =
        add_verb(ca, options, "enrol-revoke", "End an enrolment with every certificate of it",
                 "enrol-revoke 01890a5d-ac96-774b-bcce-b302099a8057", ca_enrol_revoke);
    revoke->add_option("ID", given.label, "Of gatehouse ca enrolments")->required();
}

}  // namespace

void add_ca(CLI::App& app, Options& options) {
    auto* ca = app.add_subcommand("ca", "Certificates of the internal CA");
    ca->require_subcommand(1);
    ca->footer(
        "Examples:\n  gatehouse ca issue api.example.com --out api\n  gatehouse ca show\n"
        "  gatehouse ca infra --out certs --postgres db.example.com --rabbitmq mq.example.com");
    add_authority(*ca, options);
    add_leaves(*ca, options);
    add_enrolments(*ca, options);
    add_acme(*ca, options);
    auto& given = options.ca;
    auto* infra = add_verb(*ca, options, "infra", "Ready files for PostgreSQL and RabbitMQ",
                           "infra --out certs --postgres db.example.com", ca_infra);
    infra->add_option("--out", given.out, "A folder for them")->required();
    infra->add_option("--postgres", given.postgres, "Host name or address of the server")
        ->allow_extra_args(false);
    infra->add_option("--rabbitmq", given.rabbitmq, "Host name or address of the broker")
        ->allow_extra_args(false);
    infra->add_flag("--replace", given.replace, "Replace files that are there");
    infra->add_option("--role", given.role, "Whom the client certificate stands for: gatehouse");
}

}  // namespace gh::app
