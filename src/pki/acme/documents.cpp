#include <utility>

#include "codec/json_writer.hpp"
#include "config/unit.hpp"
#include "pki/acme/endpoints.hpp"
#include "pki/acme/identifier.hpp"
#include "pki/acme/problem.hpp"

namespace gh::pki::acme {
namespace {

using codec::json::Writer;

void write_identifier(Writer& out, std::string_view value) {
    out.begin_object().name("type").string("dns").name("value").string(value).end_object();
}

/// What the authorization's standing means for the challenge that was chosen, and for one that was not.
std::string_view challenge_status(const Authorization& authorization, ChallengeType type,
                                  SystemTime now) {
    const auto standing = authorization.standing(now);
    const bool chosen = authorization.tried == type;
    if (standing == Status::pending) return chosen ? "processing" : name_of(Status::pending);
    return name_of(chosen && standing == Status::valid ? Status::valid : Status::invalid);
}

void write_challenge(Writer& out, const Server& server, const Authorization& authorization,
                     ChallengeType type, SystemTime now) {
    const auto status = challenge_status(authorization, type, now);
    out.begin_object().name("type").string(name_of(type));
    out.name("url").string(
        server.url("challenge/" + authorization.id + "/" + std::string(name_of(type))));
    out.name("status").string(status).name("token").string(authorization.token);
    if (authorization.tried == type) {
        if (authorization.validated_at)
            out.name("validated").string(config::time_text(*authorization.validated_at));
        auto error = authorization.error;
        if (error.empty() && authorization.status != Status::deactivated &&
            authorization.standing(now) == Status::invalid)
            error = problem_text({ErrorKind::conflict, "acme.state", "its time has passed"});
        if (!error.empty()) out.name("error").raw(error);
    }
    out.end_object();
}

}  // namespace

api::Reply json_reply(std::uint16_t status, std::string body) {
    api::Reply reply;
    reply.status = status;
    reply.body = std::move(body);
    return reply;
}

std::string text_of(const Server& server, const Account& account) {
    std::string text;
    Writer out(text);
    out.begin_object().name("status").string(name_of(account.status));
    out.name("contact").begin_array();
    for (const auto& contact : account.contacts) out.string(contact);
    out.end_array();
    out.name("orders").string(server.url_of(account) + "/orders").end_object();
    return text;
}

std::string text_of(const Server& server, const WholeOrder& whole, SystemTime now) {
    const auto& order = whole.order;
    std::string text;
    Writer out(text);
    out.begin_object().name("status").string(name_of(order.standing(now)));
    out.name("expires").string(config::time_text(order.expires_at));
    out.name("identifiers").begin_array();
    for (const auto& name : order.names) write_identifier(out, name);
    out.end_array().name("authorizations").begin_array();
    for (const auto& each : whole.authorizations) out.string(server.url("authz/" + each.id));
    out.end_array().name("finalize").string(server.url("order/" + order.id + "/finalize"));
    if (!order.replaces.empty()) out.name("replaces").string(order.replaces);
    if (!order.error.empty()) out.name("error").raw(order.error);
    if (!order.serial.empty()) out.name("certificate").string(server.url("cert/" + order.serial));
    out.end_object();
    return text;
}

std::string text_of(const Server& server, const Authorization& authorization, SystemTime now) {
    std::string text;
    Writer out(text);
    out.begin_object().name("identifier");
    write_identifier(out, base_of(authorization.name));
    out.name("status").string(name_of(authorization.standing(now)));
    out.name("expires").string(config::time_text(authorization.expires_at));
    if (is_wildcard(authorization.name)) out.name("wildcard").boolean(true);
    out.name("challenges").begin_array();
    for (const auto type : challenge_types) {
        const bool chosen = !authorization.tried || authorization.tried == type;
        if (chosen && proves(type, authorization.name))
            write_challenge(out, server, authorization, type, now);
    }
    out.end_array().end_object();
    return text;
}

std::string challenge_text(const Server& server, const Authorization& authorization,
                           ChallengeType type, SystemTime now) {
    std::string text;
    Writer out(text);
    write_challenge(out, server, authorization, type, now);
    return text;
}

}  // namespace gh::pki::acme
