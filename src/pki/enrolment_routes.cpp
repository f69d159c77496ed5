#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "access/lookup.hpp"
#include "api/object.hpp"
#include "api/paging.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "config/unit.hpp"
#include "net/loop.hpp"
#include "pki/enrolment_room.hpp"
#include "pki/enrolment_token.hpp"
#include "pki/exchange.hpp"
#include "pki/issue.hpp"
#include "pki/route_words.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki {
namespace {

using access::Access;
using access::Permission;
using api::Object;

struct ShownEnrolment {
    std::string id;
    Profile profile{};
    std::vector<std::string> names;
    std::optional<std::int64_t> lifetime_seconds;
    std::string created_by;
    SystemTime created_at, expires_at;
    std::optional<SystemTime> used_at, ended_at;
    std::optional<std::string> serial, token;
};

ShownEnrolment shown(const Enrolment& kept) {
    ShownEnrolment one{.id = kept.id,
                       .profile = kept.wanted.profile,
                       .names = list_of_names(kept.wanted.names),
                       .lifetime_seconds = {},
                       .created_by = kept.created_by,
                       .created_at = kept.created_at,
                       .expires_at = kept.expires_at,
                       .used_at = kept.used_at,
                       .ended_at = kept.ended_at,
                       .serial = {},
                       .token = {}};
    if (kept.wanted.lifetime) one.lifetime_seconds = kept.wanted.lifetime->count();
    if (!kept.serial.empty()) one.serial = kept.serial;
    return one;
}

const api::Type<std::optional<std::int64_t>>& seconds_type() {
    static const auto type = api::maybe(api::integer_64(1, std::int64_t{1} << 32));
    return type;
}

const api::Type<ShownEnrolment>& enrolment_type() {
    using E = ShownEnrolment;
    static const auto moment = api::maybe(api::time());
    static const auto text = api::maybe(api::text());
    static const auto type =
        Object<E>("Enrolment", "Whom a one-time token lets have certificates.")
            .required("id", &E::id, api::text(), "Stands in the token itself.")
            .required("profile", &E::profile, profile_type(), "What its certificates prove.")
            .required("names", &E::names, names_type(), "Whom they name: dns:, ip:, uri:.")
            .optional("lifetime_seconds", &E::lifetime_seconds, seconds_type(),
                      "How long one lives; the profile's, where left out.")
            .required("created_by", &E::created_by, api::text(), "Who made it.")
            .required("created_at", &E::created_at, api::time(), "When.")
            .required("expires_at", &E::expires_at, api::time(), "When the token ends.")
            .optional("used_at", &E::used_at, moment, "When the token was exchanged.")
            .optional("ended_at", &E::ended_at, moment, "When all that came of it was revoked.")
            .optional("serial", &E::serial, text, "The certificate it was exchanged for.")
            .optional("token", &E::token, text, "The token, shown this once.")
            .type();
    return type;
}

struct NewEnrolment : WantedLeaf {
    std::optional<std::int64_t> expires_in_seconds;
};

const api::Type<NewEnrolment>& new_enrolment_type() {
    using N = NewEnrolment;
    static const auto type =
        Object<N>("NewEnrolment", "A one-time token to be made.")
            .optional("profile", static_cast<Profile N::*>(&N::profile), profile_type(),
                      "client, where left out.")
            .required("names", static_cast<std::vector<std::string> N::*>(&N::names), names_type(),
                      "Whom its certificates name: host names, addresses, URIs.")
            .optional("lifetime_seconds",
                      static_cast<std::optional<std::int64_t> N::*>(&N::lifetime_seconds),
                      seconds_type(), "How long a certificate lives; the profile's.")
            .optional("expires_in_seconds", &N::expires_in_seconds,
                      api::maybe(api::integer_64(1, seconds(token_lifetime_max).count())),
                      "Until the token must be used; an hour.")
            .type();
    return type;
}

struct Exchange {
    std::string token, csr;
};

const api::Type<Exchange>& exchange_type() {
    static const auto type =
        Object<Exchange>("Exchange", "A one-time token, and the key that is to be certified.")
            .required("token", &Exchange::token, api::text({.length_max = 256, .secret = true}),
                      "As it was shown.")
            .required("csr", &Exchange::csr, pem_type(),
                      "PKCS #10, PEM, signed with that key. It names nobody, or as agreed.")
            .type();
    return type;
}

struct Renewal {
    std::string csr;
};

const api::Type<Renewal>& renewal_type() {
    static const auto type = Object<Renewal>("Renewal", "The next key, or the same.")
                                 .required("csr", &Renewal::csr, pem_type(), "PKCS #10, PEM.")
                                 .type();
    return type;
}

struct Enrolled {
    std::string serial, certificate, ca;
    SystemTime not_after;
};

const api::Type<Enrolled>& enrolled_type() {
    static const auto type =
        Object<Enrolled>("Enrolled", "A certificate of the internal CA.")
            .required("serial", &Enrolled::serial, api::text(), "Lower-case hex.")
            .required("certificate", &Enrolled::certificate, pem_type(),
                      "PEM: the leaf, then the intermediate.")
            .required("ca", &Enrolled::ca, pem_type(), "PEM: the root.")
            .required("not_after", &Enrolled::not_after, api::time(), "When it ends.")
            .type();
    return type;
}

api::Reply enrolled(const EnrolmentRoom& room, const StoredCertificate& kept) {
    return api::reply(201, enrolled_type(),
                      Enrolled{.serial = kept.serial,
                               .certificate = kept.chain_pem,
                               .ca = room.room.root_pem,
                               .not_after = kept.not_after});
}

Task<Result<api::Reply>> enrol(EnrolmentRoom& room, api::Call call, Exchange given) {
    std::string token(given.token);
    crypto::wipe(given.token.data(), given.token.size());
    GH_CO_TRY(auto exchanged, co_await exchange(room, call, std::move(token), std::move(given.csr),
                                                Enrolment::Door::pki));
    if (auto* refusal = std::get_if<api::Reply>(&exchanged)) co_return std::move(*refusal);
    co_return enrolled(room, std::get<StoredCertificate>(exchanged));
}

/// Of a certificate that came of an enrolment. What the handshake verified may be another CA's.
Task<Result<Enrolment>> enrolment_behind(EnrolmentRoom& room,
                                         access::ClientCertificate certificate) {
    const auto refused = fail(ErrorKind::permission_denied, "certificate.not_enrolled");
    const access::Lookup lookup(room.lookups);
    if (!lookup.admitted()) co_return fail(ErrorKind::unavailable, "pki.busy");
    const auto kept = co_await room.room.certificates.find_facts(certificate.serial);
    if (!kept && kept.error().kind == ErrorKind::not_found) co_return refused;
    if (!kept) co_return std::unexpected(kept.error());
    auto id = enrolment_of(kept->issued_to);
    if (!id || kept->fingerprint != certificate.fingerprint) co_return refused;
    auto found = co_await room.enrolments.find(*std::move(id));
    if (!found && found.error().kind == ErrorKind::not_found) co_return refused;
    co_return found;
}

Task<Result<api::Reply>> renew(EnrolmentRoom& room, api::Call call, Renewal given) {
    // It may have ended while the body came.
    if (call.certificate == nullptr)
        co_return api::refusal(call, 401, "certificate.over", "This wants a client certificate.");
    const std::string shown = call.certificate->serial;
    auto certificate = *call.certificate;
    const auto authorities = certificate.authorities;
    GH_CO_TRY(const auto enrolment, co_await enrolment_behind(room, std::move(certificate)));
    // Nor may what a revoked intermediate has signed be laundered into the next one's.
    const auto ended = [&room](const auto& id) { return room.room.revoked.covers_authority(id); };
    if (std::ranges::any_of(authorities, ended))
        co_return api::refusal(call, 401, "certificate.over", "This wants a client certificate.");
    if (auto refused = refuse_often(room, call, enrolment)) co_return *std::move(refused);
    const auto now = net::Loop::current()->system_now();
    const auto request = parse_signing_request(given.csr);
    if (!request) co_return refused_by_ca(call, request.error());
    auto issued = issue_agreed(*request, enrolment.wanted, *room.room.issuer(), now);
    if (!issued) co_return refused_by_ca(call, std::move(issued).error());
    auto record = act_of_holder(call, enrolment);
    record.details.push_back({"renews", shown});
    auto also = audit::also<StoredCertificate>(std::move(record), tell_certificate);
    const auto kept = co_await room.enrolments.renew(enrolment.id, shown, *std::move(issued), now,
                                                     std::move(also));
    if (!kept && kept.error().reason == "enrolment.many") {
        co_return api::refusal(call, 429, "enrolment.many",
                               "This enrolment has a hundred certificates that are good.");
    }
    if (!kept) co_return std::unexpected(kept.error());
    co_return enrolled(room, *kept);
}

Task<Result<api::Reply>> add(EnrolmentRoom& room, api::Call call, NewEnrolment wanted) {
    const auto now = net::Loop::current()->system_now();
    auto leaf = leaf_of(wanted);
    if (!leaf) co_return refused_by_ca(call, std::move(leaf).error());
    if (auto issuable = check_issuable(*leaf, *room.room.issuer(), now); !issuable)
        co_return refused_by_ca(call, std::move(issuable).error());
    const seconds good_for(wanted.expires_in_seconds.value_or(seconds(token_lifetime).count()));
    auto also = audit::also<Enrolment>(audit::act_of(call, "enrolment.create", "enrolment"),
                                       tell_enrolment);
    GH_CO_TRY(const auto kept, co_await room.enrolments.add(*std::move(leaf), holder_name(call),
                                                            now, now + good_for, std::move(also)));
    auto body = shown(kept);
    body.token = enrolment_token(room.token_key, kept.id);
    co_return api::created("/api/v1/enrolments/" + kept.id, enrolment_type(), body);
}

Task<Result<api::Reply>> list(EnrolmentRoom& room, api::Call /*call*/, api::Page query) {
    std::string after = query.after ? query.after->front() : std::string();
    GH_CO_TRY(auto found,
              co_await room.enrolments.list(std::move(after), query.limit + std::size_t{1},
                                            static_cast<std::size_t>(query.offset)));
    api::Items<ShownEnrolment> items;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        items.next_cursor = api::encode_cursor("enrolments", {found.back().id});
    }
    for (const auto& each : found) items.items.push_back(shown(each));
    static const auto page_type = api::page_of("EnrolmentPage", enrolment_type());
    co_return api::reply(200, page_type, items);
}

Task<Result<api::Reply>> show(EnrolmentRoom& room, api::Call call) {
    GH_CO_TRY(const auto kept, co_await room.enrolments.find(std::string(call.param("enrolment"))));
    co_return api::reply(200, enrolment_type(), shown(kept));
}

Task<Result<api::Reply>> end(EnrolmentRoom& room, api::Call call) {
    std::string id(call.param("enrolment"));
    auto also = audit::also<Enrolment>(audit::act_of(call, "enrolment.revoke", "enrolment"),
                                       tell_enrolment);
    GH_CO_TRY(auto ended, co_await room.enrolments.end(
                              std::move(id), net::Loop::current()->system_now(), std::move(also)));
    room.room.revoked.add(std::move(ended.certificates));
    co_return api::reply(200, enrolment_type(), shown(ended.enrolment));
}

std::vector<api::Route> routes_of_holders(EnrolmentRoom& room) {
    const auto answer = api::answers(201, "The certificate.", enrolled_type());
    return {
        {.method = "POST",
         .path = "/pki/enrol",
         .access = Access::anyone(),
         .handle = api::with(room, enrol, api::json_body(exchange_type())),
         .summary = "Exchanges a one-time token for a certificate.",
         .answers = {answer},
         .body_bytes_max = 64 * 1024},
        {.method = "POST",
         .path = "/pki/renew",
         .access = Access::client_certificate(),
         .handle = api::with(room, renew, api::json_body(renewal_type())),
         .summary = "The next certificate, for who shows one that came of an enrolment.",
         .answers = {answer},
         .body_bytes_max = 64 * 1024},
    };
}

}  // namespace

void tell_enrolment(audit::Record& record, const Enrolment& enrolment) {
    record.object_id = enrolment.id;
    record.details.push_back({"names", text_of_names(enrolment.wanted.names)});
    record.details.push_back({"profile", std::string(rules_of(enrolment.wanted.profile).name)});
    record.details.push_back({"expires_at", config::time_text(enrolment.expires_at)});
}

std::vector<api::Route> enrolment_routes(EnrolmentRoom& room) {
    static const auto page_type = api::page_of("EnrolmentPage", enrolment_type());
    const auto one = api::answers(200, "The enrolment.", enrolment_type());
    auto routes = routes_of_holders(room);
    routes.push_back({.method = "GET",
                      .path = "/api/v1/enrolments",
                      .access = Access::permission(Permission::certificates_read),
                      .handle = api::with(room, list, api::query(api::page_query("enrolments", 1))),
                      .summary = "Enrolments, in the order of their making.",
                      .answers = {api::answers(200, "A page of them.", page_type)}});
    routes.push_back({.method = "POST",
                      .path = "/api/v1/enrolments",
                      .access = Access::permission(Permission::certificates_write),
                      .handle = api::with(room, add, api::json_body(new_enrolment_type())),
                      .summary = "Makes a one-time token for a certificate.",
                      .answers = {api::answers(201, "With the token.", enrolment_type())},
                      .body_bytes_max = 256 * 1024});
    routes.push_back({.method = "GET",
                      .path = "/api/v1/enrolments/{enrolment}",
                      .access = Access::permission(Permission::certificates_read),
                      .handle = api::with(room, show),
                      .summary = "One enrolment, without its token.",
                      .answers = {one}});
    routes.push_back({.method = "DELETE",
                      .path = "/api/v1/enrolments/{enrolment}",
                      .access = Access::permission(Permission::certificates_write),
                      .handle = api::with(room, end),
                      .summary = "Ends it, and revokes every certificate that came of it.",
                      .answers = {one}});
    return routes;
}

}  // namespace gh::pki
