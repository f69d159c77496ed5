#include "gateway/exchange.hpp"

#include <algorithm>

#include "api/problem.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway {
namespace {

const std::shared_ptr<const access::Principal>& nobody() {
    static const auto anonymous = std::make_shared<const access::Principal>();
    return anonymous;
}

}  // namespace

void Exchange::begin(http::Downstream& downstream, Worker& at,
                     std::shared_ptr<const Snapshot> configuration) {
    client = &downstream;
    worker = &at;
    snapshot = std::move(configuration);
    listener = &snapshot->listener(downstream.connection().listener);
    started = at.loop.now();
    started_at = at.loop.system_now();
    request_id = uuid_v7(started_at);
    principal = nobody();
    // The peer until somebody knows better: a request refused before that is logged with an address, too.
    const auto& connection = downstream.connection();
    client_address = connection.peer;
    client_ip = connection.peer_ip;
    client_encrypted = connection.encrypted;
}

void Exchange::revoke() {
    revoked = true;
    ends_at = worker->loop.now();
    client->wakeup().expire_at(ends_at);
    client->wakeup().wake();
}

void Exchange::end() {
    if (held) worker->let_go(*this);
    arena.clear();
    response.fields.clear();
    response = http::ResponseHead{.fields = std::move(response.fields)};
    upstream_request.fields.clear();
    body.clear();
    shared_body.reset();
    tell = nullptr;
    talk = nullptr;
    principal.reset();
    snapshot.reset();
    route = nullptr;
    limits_count = attempts = 0;
    has_query = client_encrypted = peer_is_trusted = counted = revoked = false;
    ends_at = SteadyTime::max();
    upstream_duration = {};
    tunnelled_up = tunnelled_down = 0;
    correlation_id = tracestate = client_ip = path = query = auth_reason = code = {};
    traceparent = {};
    upstream_name = upstream_address = {};
    outcome = outcome::ok;
}

void Exchange::refuse(std::uint16_t status, std::string_view problem_code,
                      std::string_view detail) {
    response.status = status;
    response.reason = {};
    response.fields.clear();
    code = problem_code;
    outcome = outcome::refused;
    body.clear();
    shared_body.reset();
    tell = nullptr;
    talk = nullptr;
    const api::Problem problem{
        .status = status, .code = problem_code, .detail = detail, .request_id = request_id_text()};
    if (route && route->own && route->own->dialect) {
        auto told = route->own->dialect->refuse(problem);
        response.status = told.status;
        body = std::move(told.body);
        add_field(http::FieldId::content_type, "Content-Type", arena.copy(told.content_type));
        return;
    }
    api::append_problem(body, problem);
    add_field(http::FieldId::content_type, "Content-Type", api::problem_content_type);
}

const access::ClientCertificate* certificate_of(const Exchange& exchange) {
    const auto* shown = static_cast<const access::ClientCertificate*>(
        exchange.client->connection().certificate.get());
    if (shown == nullptr) return nullptr;
    const auto* revoked = exchange.worker->services.revoked_certificates;
    if (exchange.worker->loop.system_now() >= shown->not_after) return nullptr;
    if (revoked == nullptr) return shown;
    const bool over = revoked->covers_serial(shown->serial) ||
                      std::ranges::any_of(shown->authorities, [revoked](const auto& key_id) {
                          return revoked->covers_authority(key_id);
                      });
    return over ? nullptr : shown;
}

SteadyTime credential_end(const Exchange& exchange) {
    auto deadline = SteadyTime::max();
    const auto& loop = exchange.worker->loop;
    const auto end_at = [&](SystemTime end) {
        deadline = std::min(deadline, loop.now() + (end - loop.system_now()));
    };
    if (const auto& expires = exchange.principal->expires) end_at(*expires);
    if (const auto* certificate = certificate_of(exchange)) end_at(certificate->not_after);
    return deadline;
}

}  // namespace gh::gateway
