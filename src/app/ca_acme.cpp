#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#include "app/ca_command.hpp"
#include "app/ca_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"
#include "pki/acme/account_repository.hpp"
#include "pki/acme/server.hpp"

namespace gh::app {
namespace {

using pki::acme::Account;
using pki::acme::AccountRepository;
using ExternalKey = AccountRepository::ExternalKey;

SystemTime now() { return std::chrono::system_clock::now(); }

void tell_key(audit::Record& record, const ExternalKey& key) {
    record.object_id = key.id;
    record.details = {{"name", key.name}, {"expires_at", config::time_text(key.expires_at)}};
}

void tell_account(audit::Record& record, const Account& account) {
    record.details = {{"thumbprint", account.thumbprint}};
}

Result<std::string> make_key(const Overrides& overrides, const Surroundings& surroundings,
                             const CaOptions& options) {
    const auto lifetime = config::parse_duration(options.expires);
    if (!lifetime || lifetime->count() <= 0) {
        return fail(ErrorKind::invalid_argument, "usage",
                    fmt::format("command line: --expires: {} is no duration such as 12h or 30d",
                                config::quote(options.expires)));
    }
    GH_TRY(auto state, open_verb_state(overrides, surroundings));
    GH_TRY(auto secret, kept_secret(*state->keys, acme_key));
    const crypto::HmacKey master(crypto::HmacHash::sha256, std::move(secret));
    AccountRepository accounts(*state->state->database);
    auto also = audit::also<ExternalKey>(
        audit::act_of_shell("acme.external_key.create", "acme_external_key"), tell_key);
    const auto at = now();
    GH_TRY(const auto key, net::run_to_end(accounts.add_external_key(
                               options.label, at, at + *lifetime, std::move(also))));
    const auto hmac = pki::acme::external_secret_of(master, key.id);
    return fmt::format("{}\n{}\n", key.id, codec::encode_base64url(crypto::text_of(hmac.bytes())));
}

/// An account, or a key of which nobody has made one.
struct Row {
    std::string id, kind, state, name;
    SystemTime created_at;
    std::vector<std::string> contacts;
};

Task<Result<std::vector<Row>>> all_rows(AccountRepository& accounts) {
    std::vector<Row> all;
    for (std::string after;;) {
        GH_CO_TRY(const auto some, co_await accounts.list(after));
        for (const auto& [account, key_name] : some)
            all.push_back({account.id, "account", std::string(name_of(account.status)), key_name,
                           account.created_at, account.contacts});
        if (some.size() < AccountRepository::page) break;
        after = all.back().id;
    }
    for (std::string after;;) {
        GH_CO_TRY(const auto some, co_await accounts.unused_keys(after));
        for (const auto& key : some)
            all.push_back({key.id,
                           "key",
                           key.expires_at > now() ? "unused" : "expired",
                           key.name,
                           key.created_at,
                           {}});
        if (some.size() < AccountRepository::page) co_return all;
        after = all.back().id;
    }
}

std::string as_json(const std::vector<Row>& rows) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& row : rows) {
        out.begin_object().name("id").string(row.id).name("kind").string(row.kind);
        out.name("state").string(row.state).name("key_name").string(row.name);
        out.name("created_at").string(config::time_text(row.created_at));
        out.name("contacts").begin_array();
        for (const auto& each : row.contacts) out.string(each);
        out.end_array().end_object();
    }
    out.end_array();
    return text + "\n";
}

std::string as_table(const std::vector<Row>& rows) {
    std::string text;
    for (const auto& row : rows) {
        fmt::format_to(std::back_inserter(text), "{}  {:<8} {:<12} {}  {:<24} {}\n", row.id,
                       row.kind, row.state, config::time_text(row.created_at), row.name,
                       fmt::join(row.contacts, " "));
    }
    return text;
}

/// The account of this id, or the key that was not used yet.
Task<Result<std::string>> end(AccountRepository& accounts, std::string id) {
    auto of_account = audit::also<Account>(
        audit::act_of_shell("acme.account.revoke", "acme_account", id), tell_account);
    const auto account = co_await accounts.revoke(id, std::move(of_account));
    if (account) {
        co_return "the account gets nothing more; its certificates are good until gatehouse ca "
                  "revoke ends them\n";
    }
    if (account.error().kind != ErrorKind::not_found) co_return std::unexpected(account.error());
    auto of_key = audit::also<ExternalKey>(
        audit::act_of_shell("acme.external_key.revoke", "acme_external_key", id), tell_key);
    const auto key = co_await accounts.end_external_key(id, now(), std::move(of_key));
    if (key) co_return "nobody makes an account of that key any more\n";
    if (key.error().kind != ErrorKind::not_found) co_return std::unexpected(key.error());
    co_return fail(ErrorKind::not_found, "acme.account_unknown",
                   fmt::format("{} is no account, and no key that is not used yet; gatehouse ca "
                               "acme-accounts shows all",
                               config::quote(id)));
}

}  // namespace

CommandResult ca_acme_key(const Overrides& overrides, const Surroundings& surroundings,
                          const CaOptions& options) {
    const auto made = make_key(overrides, surroundings, options);
    if (!made) return failed(made.error());
    return {.exit_code = 0,
            .out = *made,
            .err = fmt::format("key id, then HMAC key (base64url): shown once, and good for one "
                               "account within {}\n",
                               options.expires)};
}

CommandResult ca_acme_accounts(const Overrides& overrides, const Surroundings& surroundings,
                               const CaOptions& options) {
    auto state = open_verb_state(overrides, surroundings);
    if (!state) return failed(state.error());
    AccountRepository accounts(*(*state)->state->database);
    const auto rows = net::run_to_end(all_rows(accounts));
    if (!rows) return failed(rows.error());
    return {.exit_code = 0, .out = options.json ? as_json(*rows) : as_table(*rows), .err = {}};
}

CommandResult ca_acme_revoke(const Overrides& overrides, const Surroundings& surroundings,
                             const CaOptions& options) {
    auto state = open_verb_state(overrides, surroundings);
    if (!state) return failed(state.error());
    AccountRepository accounts(*(*state)->state->database);
    const auto ended = net::run_to_end(end(accounts, options.label));
    if (!ended) return failed(ended.error());
    return {.exit_code = 0, .out = {}, .err = *ended};
}

}  // namespace gh::app
