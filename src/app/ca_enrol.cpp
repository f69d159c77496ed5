#include <fmt/format.h>

#include <iterator>
#include <utility>
#include <vector>

#include "app/ca_command.hpp"
#include "app/ca_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/text.hpp"
#include "config/unit.hpp"
#include "net/run_task.hpp"
#include "pki/enrolment_room.hpp"
#include "pki/enrolment_token.hpp"
#include "pki/issue.hpp"
#include "pki/subject_names.hpp"

namespace gh::app {
namespace {

using pki::Enrolment;
using pki::EnrolmentRepository;

constexpr std::size_t page = 200;

SystemTime now() { return std::chrono::system_clock::now(); }

Result<seconds> token_lifetime(const CaOptions& options) {
    const auto lifetime = config::parse_duration(options.token_expires);
    if (!lifetime || *lifetime < seconds(1) || *lifetime > pki::token_lifetime_max) {
        return fail(ErrorKind::invalid_argument, "usage",
                    fmt::format("command line: --expires: {} is no duration such as 15m or 2d, 30d "
                                "at most",
                                config::quote(options.token_expires)));
    }
    return std::chrono::floor<seconds>(*lifetime);
}

Result<std::string> make_token(const Overrides& overrides, const Surroundings& surroundings,
                               const CaOptions& options) {
    GH_TRY(auto wanted, leaf_request(options, pki::Profile::client));
    GH_TRY(const auto lifetime, token_lifetime(options));
    GH_TRY(auto state, open_ca(overrides, surroundings));
    const auto at = now();
    GH_TRY_VOID(pki::check_issuable(wanted, *state.ca->issuer(), at));
    GH_TRY(auto secret, kept_secret(*state.verb->keys, enrolment_key));
    const crypto::HmacKey key(crypto::HmacHash::sha256, std::move(secret));
    EnrolmentRepository enrolments(*state.verb->state->database);
    auto record = audit::act_of_shell("enrolment.create", "enrolment");
    auto maker = record.actor;
    auto also = audit::also<Enrolment>(std::move(record), pki::tell_enrolment);
    GH_TRY(const auto kept, net::run_to_end(enrolments.add(std::move(wanted), std::move(maker), at,
                                                           at + lifetime, std::move(also))));
    return pki::enrolment_token(key, kept.id) + "\n";
}

Task<Result<std::vector<Enrolment>>> all_of(EnrolmentRepository& enrolments) {
    std::vector<Enrolment> all;
    for (std::string after;;) {
        GH_CO_TRY(auto some, co_await enrolments.list(after, page));
        const bool last = some.size() < page;
        std::ranges::move(some, std::back_inserter(all));
        if (last) co_return all;
        after = all.back().id;
    }
}

std::string_view state_of(const Enrolment& enrolment) {
    if (enrolment.ended_at) return "revoked";
    if (enrolment.used_at) return "used";
    return enrolment.expires_at > now() ? "unused" : "expired";
}

std::string as_json(const std::vector<Enrolment>& rows) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& row : rows) {
        out.begin_object().name("id").string(row.id).name("state").string(state_of(row));
        out.name("profile").string(pki::rules_of(row.wanted.profile).name);
        out.name("names").string(pki::text_of_names(row.wanted.names));
        out.name("created_by").string(row.created_by);
        out.name("created_at").string(config::time_text(row.created_at));
        out.name("expires_at").string(config::time_text(row.expires_at));
        out.name("serial").string(row.serial).end_object();
    }
    out.end_array();
    return text + "\n";
}

std::string as_table(const std::vector<Enrolment>& rows) {
    std::string text;
    for (const auto& row : rows) {
        fmt::format_to(std::back_inserter(text), "{}  {:<8} {:<14} {}  {}\n", row.id, state_of(row),
                       pki::rules_of(row.wanted.profile).name, config::time_text(row.created_at),
                       pki::text_of_names(row.wanted.names));
    }
    return text;
}

Error in_words(Error error, const CaOptions& options) {
    if (error.reason == "enrolment.unknown") {
        error.detail = fmt::format("{} is no enrolment; gatehouse ca enrolments shows all",
                                   config::quote(options.label));
    }
    return error;
}

}  // namespace

CommandResult ca_enrol_token(const Overrides& overrides, const Surroundings& surroundings,
                             const CaOptions& options) {
    const auto made = make_token(overrides, surroundings, options);
    if (!made) return failed(made.error());
    return {.exit_code = 0,
            .out = *made,
            .err = fmt::format("shown once; good for one key within {}: POST it with a request to "
                               "/pki/enrol\n",
                               options.token_expires)};
}

CommandResult ca_enrolments(const Overrides& overrides, const Surroundings& surroundings,
                            const CaOptions& options) {
    auto state = open_verb_state(overrides, surroundings);
    if (!state) return failed(state.error());
    EnrolmentRepository enrolments(*(*state)->state->database);
    const auto rows = net::run_to_end(all_of(enrolments));
    if (!rows) return failed(rows.error());
    return {.exit_code = 0, .out = options.json ? as_json(*rows) : as_table(*rows), .err = {}};
}

CommandResult ca_enrol_revoke(const Overrides& overrides, const Surroundings& surroundings,
                              const CaOptions& options) {
    auto state = open_verb_state(overrides, surroundings);
    if (!state) return failed(state.error());
    EnrolmentRepository enrolments(*(*state)->state->database);
    auto also = audit::also<Enrolment>(audit::act_of_shell("enrolment.revoke", "enrolment"),
                                       pki::tell_enrolment);
    const auto ended = net::run_to_end(enrolments.end(options.label, now(), std::move(also)));
    if (!ended) return failed(in_words(ended.error(), options));
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("nobody enrols by it any more; {} of its certificates end now\n",
                               ended->certificates.size())};
}

}  // namespace gh::app
