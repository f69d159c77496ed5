#include "app/ca_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <utility>

#include "app/ca_state.hpp"
#include "app/machine.hpp"
#include "audit/act.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"
#include "pki/enrolment_repository.hpp"
#include "pki/host_names.hpp"
#include "pki/issue.hpp"
#include "pki/offline_root.hpp"
#include "pki/subject_names.hpp"

namespace gh::app {
namespace {

using pki::StoredCertificate;

constexpr std::size_t page_size = 500;
constexpr std::chrono::days soon{14};

SystemTime now() { return std::chrono::system_clock::now(); }

std::unexpected<Error> misused(std::string text) {
    return fail(ErrorKind::invalid_argument, "usage", "command line: " + std::move(text));
}

/// As we write it: openssl has upper case, browsers have colons.
std::string plain_serial(std::string_view typed) {
    std::string serial;
    for (const char c : typed) {
        if (c != ':') serial += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return serial;
}

Error in_words(Error error, const CaOptions& options) {
    if (error.reason == "certificate.unknown") {
        error.detail = fmt::format("there is no certificate {}; gatehouse ca show lists all",
                                   config::quote(options.serial));
    }
    return error;
}

std::string list_text(const pki::RootList& list) {
    if (!list.crl()) return "none of the root's yet: gatehouse ca renew --offline-root FILE";
    const auto is_revoked = [](const pki::SignedIntermediate& each) {
        return each.revoked_at.has_value();
    };
    const auto revoked = std::ranges::count_if(list.intermediates(), is_revoked);
    return fmt::format("of the root's, {} intermediates revoked, until {}", revoked,
                       config::time_text(list.crl()->next_update));
}

std::string facts_text(const CaState& state) {
    const auto issuer = state.ca->issuer();
    const bool here = state.ca->root_with_key().has_value();
    std::string bound;
    const auto constraints = pki::constraints_of(issuer->certificate());
    for (const auto* list : {&constraints.dns, &constraints.networks}) {
        for (const auto& each : *list) bound += (bound.empty() ? "" : ", ") + each;
    }
    return fmt::format(
        "root    {}  until {}  {}\nissuer  {}  until {}\nnames   {}\nlist    {}\nfile    {}\n",
        state.ca->root().fingerprint(), config::time_text(state.ca->root().not_after()),
        here ? "its key is in the key store" : "its key is kept elsewhere", issuer->fingerprint(),
        config::time_text(issuer->not_after()), bound.empty() ? "any" : bound,
        list_text(*state.ca->root_list()), state.ca->certificate_file().string());
}

/// Sealed, written, read back and opened before the key in the house goes.
Result<void> take_root_away(CaState& state, const CaOptions& options) {
    if (!options.passphrase) return misused("--offline-root wants a passphrase on standard input");
    GH_TRY(const auto root, state.ca->root_with_key());
    GH_TRY(const auto sealed, pki::seal_root(root, *options.passphrase));
    GH_TRY_VOID(write_file(options.offline_root, sealed, 0600, Existing::keep));
    GH_TRY(const auto written, read_file_at(options.offline_root, pki::offline_file_bytes_max));
    GH_TRY(const auto back, pki::open_root(written, *options.passphrase));
    if (back.fingerprint() != root.fingerprint())
        return fail(ErrorKind::internal, "ca.offline_file", "the file does not hold the root");
    GH_TRY_VOID(state.ca->forget_root_key(now()));
    return record_act(state, audit::act_of_shell("ca.root_offline", "ca", root.fingerprint()));
}

std::unexpected<Error> no_reason() {
    return misused(
        "--reason: unspecified, key_compromise, affiliation_changed, superseded, "
        "cessation_of_operation or privilege_withdrawn");
}

Result<std::optional<pki::Authority>> fetched_root(const CaOptions& options) {
    if (options.offline_root.empty()) return std::nullopt;
    if (!options.passphrase) return misused("--offline-root wants a passphrase on standard input");
    GH_TRY(const auto file, read_file_at(options.offline_root, pki::offline_file_bytes_max));
    return pki::open_root(file, *options.passphrase);
}

/// @param root  null: the one in the key store
/// @return serials of the intermediates that were revoked
Result<std::vector<std::string>> renew(CaState& state, const CaOptions& options,
                                       const pki::Authority* root) {
    pki::Renewal renewal{.root = root};
    if (!options.permitted.empty()) {
        GH_TRY(renewal.constraints, pki::constraints_from(options.permitted));
    }
    if (options.new_key) {
        renewal.revoke = pki::revocation_reason_of(options.reason);
        if (!renewal.revoke) return no_reason();
    }
    GH_TRY(auto revoked, state.ca->renew(renewal, now()));
    for (const auto& serial : revoked) {
        auto record = audit::act_of_shell("ca.revoke_intermediate", "ca", serial);
        record.severity = audit::Severity::high;
        record.details = {{"reason", std::string(pki::name_of(*renewal.revoke))}};
        GH_TRY_VOID(record_act(state, std::move(record)));
    }
    auto record = audit::act_of_shell("ca.renew", "ca", state.ca->issuer()->fingerprint());
    record.details = {{"new_key", options.new_key}};
    GH_TRY_VOID(record_act(state, std::move(record)));
    return revoked;
}

Result<std::string> init(const Overrides& overrides, const Surroundings& surroundings,
                         const CaOptions& options) {
    GH_TRY(auto read, read_settings(overrides, surroundings));
    GH_TRY_VOID(make_directory(read.settings.data_dir));
    GH_TRY(auto state, open_ca(overrides, surroundings));
    if (!options.permitted.empty()) {
        GH_TRY_VOID(renew(state, {.permitted = options.permitted}, nullptr));
    }
    if (!options.offline_root.empty()) GH_TRY_VOID(take_root_away(state, options));
    return facts_text(state);
}

}  // namespace

Result<pki::LeafRequest> leaf_request(const CaOptions& options, pki::Profile usual) {
    const auto profile =
        options.profile.empty() ? std::optional(usual) : pki::profile_of(options.profile);
    if (!profile) return misused("--profile: server, client, agent or infrastructure");
    pki::LeafRequest request{.profile = *profile, .common_name = options.common_name, .names = {}};
    if (!options.lifetime.empty()) {
        const auto lifetime = config::parse_duration(options.lifetime);
        if (!lifetime) {
            return misused(fmt::format("--lifetime: {} is no duration such as 12h or 30d",
                                       config::quote(options.lifetime)));
        }
        request.lifetime = std::chrono::floor<seconds>(*lifetime);
    }
    if (options.key == "rsa") request.key = crypto::KeyKind::rsa;
    if (options.key == "ed25519") request.key = crypto::KeyKind::ed25519;
    GH_TRY(request.names, pki::names_from(options.names));
    return request;
}

namespace {

/// What was granted, which may be less than was hoped for.
std::string granted_text(const pki::IssuedCertificate& issued, const pki::LeafRequest& request) {
    const auto wanted = request.lifetime.value_or(pki::rules_of(request.profile).lifetime);
    const bool cut = issued.not_after - issued.not_before < wanted + pki::backdate;
    return fmt::format(", for {}, good until {}{}", pki::text_of_names(issued.names),
                       config::time_text(issued.not_after),
                       cut ? ", as the CA's own certificate: gatehouse ca renew" : "");
}

/// What would hinder it is found before it is in the inventory; and it is there before it is on disk, so that it can be
/// revoked.
Result<pki::IssuedCertificate> issue_into_files(CaState& state, const pki::LeafRequest& request,
                                                const CaOptions& options) {
    const auto existing = options.replace ? Existing::replace : Existing::keep;
    for (const auto* ending : {".key", ".pem"})
        GH_TRY_VOID(check_target(options.out + ending, existing));
    GH_TRY(auto issued, state.ca->issuer()->issue(request, now()));
    auto done = record_issued(state, issued);
    if (done) done = write_file(options.out + ".key", issued.key_pem, 0600, existing);
    crypto::wipe(issued.key_pem.data(), issued.key_pem.size());
    issued.key_pem.clear();
    if (done) done = write_file(options.out + ".pem", issued.chain_pem, 0644, existing);
    if (!done) return std::unexpected(std::move(done).error());
    return issued;
}

Result<CommandResult> issue(const Overrides& overrides, const Surroundings& surroundings,
                            const CaOptions& options) {
    GH_TRY(const auto request, leaf_request(options, pki::Profile::server));
    GH_TRY(auto state, open_ca(overrides, surroundings));
    if (!options.csr.empty()) {
        GH_TRY(const auto text, read_file_at(options.csr, pki::signing_request_bytes_max));
        GH_TRY(const auto issued, pki::issue_for(text, request, *state.ca->issuer(), now()));
        GH_TRY_VOID(record_issued(state, issued));
        return CommandResult{
            .exit_code = 0,
            .out = issued.chain_pem,
            .err = fmt::format("issued {}{}\n", issued.serial, granted_text(issued, request))};
    }
    if (options.names.empty() || options.out.empty())
        return misused("ca issue wants names and --out PREFIX, or --csr FILE");
    GH_TRY(auto issued, issue_into_files(state, request, options));
    return CommandResult{.exit_code = 0,
                         .out = issued.serial + "\n",
                         .err = fmt::format("wrote {0}.pem and {0}.key{1}\n", options.out,
                                            granted_text(issued, request))};
}

using Tell = std::function<void(const StoredCertificate&)>;

/// Page by page: there may be many.
Task<Result<void>> each_certificate(State& state, pki::CertificatePage page, Tell tell) {
    for (;;) {
        GH_CO_TRY(const auto some, co_await state.certificates.list(page));
        for (const auto& each : some) tell(each);
        if (some.size() < page.limit) co_return Result<void>{};
        page.after = {some.back().created_at, some.back().serial};
    }
}

std::string_view state_of(const StoredCertificate& each, SystemTime at) {
    if (each.revoked_at) return "revoked";
    if (each.not_after <= at) return "expired";
    return each.not_after < at + soon ? "expiring" : "good";
}

void write_json(codec::json::Writer& out, const StoredCertificate& each) {
    out.begin_object().name("serial").string(each.serial);
    out.name("common_name").string(each.common_name);
    out.name("names").string(pki::text_of_names(each.names));
    out.name("profile").string(pki::rules_of(each.profile).name);
    out.name("fingerprint").string(each.fingerprint).name("issued_to").string(each.issued_to);
    out.name("not_before").string(config::time_text(each.not_before));
    out.name("not_after").string(config::time_text(each.not_after));
    out.name("state").string(state_of(each, now()));
    if (each.reason) out.name("reason").string(pki::name_of(*each.reason));
    if (!each.chain_pem.empty()) out.name("chain").string(each.chain_pem);
    out.end_object();
}

Result<std::string> show_one(State& state, const CaOptions& options) {
    GH_TRY(const auto one, net::run_to_end(state.certificates.find(plain_serial(options.serial))));
    if (!options.json) return one.chain_pem;
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    write_json(out, one);
    out.end_array();
    return text + "\n";
}

Result<std::string> show(const Overrides& overrides, const Surroundings& surroundings,
                         const CaOptions& options) {
    GH_TRY(auto state, open_ca(overrides, surroundings));
    if (!options.serial.empty()) return show_one(*state.verb->state, options);
    pki::CertificatePage page{.limit = page_size, .after = {}, .ending = {}};
    if (options.expiring) page.ending = {now(), now() + soon};
    std::string text;
    if (options.json) {
        codec::json::Writer out(text);
        out.begin_array();
        GH_TRY_VOID(net::run_to_end(
            each_certificate(*state.verb->state, page,
                             [&out](const StoredCertificate& each) { write_json(out, each); })));
        out.end_array();
        return text + "\n";
    }
    if (!options.expiring) text = facts_text(state);
    const Tell tell = [&text](const StoredCertificate& each) {
        fmt::format_to(std::back_inserter(text), "{:<34} {:<14} {:<8} {} {}\n", each.serial,
                       pki::rules_of(each.profile).name, state_of(each, now()),
                       config::time_text(each.not_after), pki::text_of_names(each.names));
    };
    GH_TRY_VOID(net::run_to_end(each_certificate(*state.verb->state, page, tell)));
    return text;
}

Result<std::string> revoke(const Overrides& overrides, const Surroundings& surroundings,
                           const CaOptions& options) {
    const auto reason = pki::revocation_reason_of(options.reason);
    if (!reason) return no_reason();
    GH_TRY(auto state, open_ca(overrides, surroundings));
    auto also = audit::also<StoredCertificate>(
        audit::act_of_shell("certificate.revoke", "certificate"), pki::tell_certificate);
    GH_TRY(const auto ended,
           net::run_to_end(state.verb->state->certificates.revoke(
               plain_serial(options.serial), *reason, {}, now(), std::move(also))));
    auto said = fmt::format("the certificate {} is revoked, {}, since {}\n", ended.serial,
                            pki::name_of(ended.reason.value_or(pki::RevocationReason::unspecified)),
                            config::time_text(ended.revoked_at.value_or(now())));
    if (const auto enrolment = pki::enrolment_of(ended.issued_to)) {
        said += fmt::format(
            "others may have come of the same enrolment: gatehouse ca enrol-revoke {} "
            "ends them, too\n",
            *enrolment);
    }
    return said;
}

CommandResult said(const Result<std::string>& outcome, const CaOptions& options) {
    if (!outcome) return failed(in_words(outcome.error(), options));
    return {.exit_code = 0, .out = *outcome, .err = {}};
}

}  // namespace

CommandResult ca_init(const Overrides& overrides, const Surroundings& surroundings,
                      const CaOptions& options) {
    auto done = said(init(overrides, surroundings, options), options);
    if (done.exit_code == 0 && !options.offline_root.empty())
        done.err = "the root's key lies in " + options.offline_root +
                   " alone, under the passphrase; keep both, apart\n";
    return done;
}

CommandResult ca_renew(const Overrides& overrides, const Surroundings& surroundings,
                       const CaOptions& options) {
    const auto root = fetched_root(options);
    if (!root) return failed(root.error());
    const auto* fetched = *root ? &**root : nullptr;
    auto state = open_ca(overrides, surroundings, fetched);
    if (!state) return failed(state.error());
    const auto revoked = renew(*state, options, fetched);
    if (!revoked) return failed(revoked.error());
    std::string told = "a serve that is running takes it over within ten seconds\n";
    for (const auto& serial : *revoked)
        told += fmt::format("the intermediate {} is revoked, and all that it signed\n", serial);
    return {.exit_code = 0, .out = facts_text(*state), .err = std::move(told)};
}

CommandResult ca_show(const Overrides& overrides, const Surroundings& surroundings,
                      const CaOptions& options) {
    return said(show(overrides, surroundings, options), options);
}

CommandResult ca_issue(const Overrides& overrides, const Surroundings& surroundings,
                       const CaOptions& options) {
    auto done = issue(overrides, surroundings, options);
    if (!done) return failed(done.error());
    return *std::move(done);
}

CommandResult ca_revoke(const Overrides& overrides, const Surroundings& surroundings,
                        const CaOptions& options) {
    auto done = said(revoke(overrides, surroundings, options), options);
    std::swap(done.out, done.err);
    if (done.exit_code != 0) std::swap(done.out, done.err);
    return done;
}

}  // namespace gh::app
