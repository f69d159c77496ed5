#include <openssl/err.h>

#include <utility>

#include "access/lookup.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "config/unit.hpp"
#include "crypto/digest.hpp"
#include "pki/acme/bodies.hpp"
#include "pki/acme/endpoints.hpp"
#include "pki/issue.hpp"
#include "pki/openssl.hpp"
#include "pki/signing_request.hpp"

namespace gh::pki::acme {
namespace {

std::unexpected<Error> not_found() { return fail(ErrorKind::not_found, "acme.not_found"); }

/// Without its chain.
Task<Result<StoredCertificate>> find(Server& server, std::string serial) {
    auto found = co_await server.parts().certificates.find_facts(std::move(serial));
    if (!found && found.error().kind == ErrorKind::not_found) co_return not_found();
    co_return found;
}

crypto::X509Handle read_certificate(const std::string& der) {
    const auto* data = reinterpret_cast<const unsigned char*>(der.data());
    const auto* end = data + der.size();
    crypto::X509Handle read(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
    ERR_clear_error();
    return data == end ? std::move(read) : nullptr;
}

/// RFC 8555 §7.6: who ordered it, who has proven all its names, or who holds its key.
Task<Result<void>> check_right(Server& server, const Request& request, const X509* certificate,
                               const StoredCertificate& stored) {
    const auto refused = fail(ErrorKind::permission_denied, "acme.not_yours",
                              "not by its account, not by one that has proven its names, and not "
                              "with its key");
    if (!request.account) {
        GH_CO_TRY(const auto key, public_key_of(*request.jws.key));
        if (!is_key(X509_get0_pubkey(certificate), key)) co_return refused;
        co_return Result<void>{};
    }
    if (stored.issued_to == holder_of(*request.account)) co_return Result<void>{};
    if (!stored.names.addresses.empty() || !stored.names.uris.empty()) co_return refused;
    GH_CO_TRY(const bool proven,
              co_await server.orders().proven(request.account->id, stored.names.dns, server.now()));
    if (!proven) co_return refused;
    co_return Result<void>{};
}

audit::Record act_of_revocation(const api::Call& call, const Request& request) {
    if (request.account)
        return act_of(call, *request.account, "certificate.revoke", "certificate", {});
    auto record = audit::act_of(call, "certificate.revoke", "certificate");
    record.actor_type = access::PrincipalType::certificate;
    record.actor = "key:" + thumbprint_of(*request.jws.key);
    return record;
}

/// The last third of its life begins the renewal; one that is revoked, or whose issuer is, is to be replaced at once.
std::pair<SystemTime, SystemTime> renewal_window(Server& server,
                                                 const StoredCertificate& certificate) {
    auto over = certificate.revoked_at;
    if (!over && server.parts().revoked.covers_authority(certificate.issuer_key_id))
        over = server.now();
    if (over) return {*over - std::chrono::hours(1), *over};
    const auto life = certificate.not_after - certificate.not_before;
    const auto begin = certificate.not_before + life / 3 * 2;
    return {begin, begin + life / 24};
}

}  // namespace

Answer certificate(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto request, co_await server.accept_get(call, body));
    auto serial = std::string(call.param("serial"));
    auto found = co_await server.parts().certificates.find(std::move(serial));
    if (!found && found.error().kind == ErrorKind::not_found) co_return not_found();
    if (!found) co_return std::unexpected(std::move(found).error());
    if (found->issued_to != holder_of(*request.account))
        co_return fail(ErrorKind::permission_denied, "acme.not_yours");
    auto reply = json_reply(200, std::move(found->chain_pem));
    reply.content_type = "application/pem-certificate-chain";
    co_return reply;
}

Answer revoke_certificate(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto request, co_await server.accept(call, body, SignedBy::either));
    GH_CO_TRY(const auto wanted, read_revocation(request.jws.payload));
    const auto given = read_certificate(wanted.certificate);
    if (!given) {
        co_return fail(ErrorKind::invalid_argument, "acme.malformed",
                       "certificate is no DER of one");
    }
    GH_CO_TRY(const auto stored, co_await find(server, crypto::serial_of(given.get())));
    if (stored.fingerprint != crypto::sha256_hex(wanted.certificate)) co_return not_found();
    const auto right = co_await check_right(server, request, given.get(), stored);
    if (!right) {
        auto record = act_of_revocation(call, request);
        record.object_id = stored.serial;
        co_await server.record_denied(call, std::move(record), right.error());
        co_return std::unexpected(right.error());
    }
    if (stored.revoked_at) co_return fail(ErrorKind::invalid_argument, "acme.already_revoked");
    auto also = audit::also<StoredCertificate>(act_of_revocation(call, request), tell_certificate);
    GH_CO_TRY(const auto ended,
              co_await server.parts().certificates.revoke(stored.serial, wanted.reason, {},
                                                          server.now(), std::move(also)));
    server.parts().revoked.add({revoked_of(ended)});
    co_return json_reply(200, {});
}

Answer renewal_info(Server& server, api::Call call) {
    GH_CO_TRY(const auto id, read_renewal_id(call.param("certificate")));
    const access::Lookup lookup(server.lookups);
    if (!lookup.admitted()) co_return fail(ErrorKind::unavailable, "acme.busy");
    GH_CO_TRY(const auto found, co_await find(server, id.serial));
    if (found.issuer_key_id != id.issuer_key_id) co_return not_found();
    const auto [begin, end] = renewal_window(server, found);
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("suggestedWindow").begin_object();
    out.name("start").string(config::time_text(begin)).name("end").string(config::time_text(end));
    out.end_object().end_object();
    auto reply = json_reply(200, std::move(text));
    reply.fields.emplace_back("Retry-After", "21600");
    co_return reply;
}

}  // namespace gh::pki::acme
