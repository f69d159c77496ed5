#pragma once

// A server over an empty database of either engine, with clients that sign and a network that answers as the test likes.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/testing.hpp"
#include "audit/record.hpp"
#include "base/try.hpp"
#include "pki/acme/server.hpp"
#include "pki/acme/testing.hpp"
#include "storage/testing.hpp"

namespace gh::pki::acme {

inline const SystemTime start{seconds(1'750'000'000)};
inline constexpr std::string_view base = "https://ca.example";

/// Shows every proof, or fails as the test says.
class FakeNetwork final : public Validator {
 public:
    Task<Result<void>> check(Proof proof) override {
        asked.push_back(proof);
        if (meanwhile) co_await meanwhile();
        if (failure) co_return std::unexpected(*failure);
        co_return Result<void>{};
    }
    std::vector<Proof> asked;
    std::optional<Error> failure;
    std::function<Task<>()> meanwhile;
};

inline std::string field_of(const api::Reply& reply, std::string_view name) {
    for (const auto& [each, value] : reply.fields) {
        if (each == name) return value;
    }
    return {};
}

inline codec::json::Value body_of(const api::Reply& reply) {
    auto value = codec::json::parse(reply.body);
    return value ? *std::move(value) : codec::json::Value();
}

inline std::string said(const api::Reply& reply, std::string_view name) {
    const auto body = body_of(reply);
    const auto* text = body.find_string(name);
    return text ? *text : std::string();
}

/// "badNonce 400"
inline std::string problem_in(const api::Reply& reply) {
    constexpr std::string_view space = "urn:ietf:params:acme:error:";
    const auto type = said(reply, "type");
    if (!type.starts_with(space)) return std::to_string(reply.status);
    return type.substr(space.size()) + " " + std::to_string(reply.status);
}

/// Whether a path has the form of a template, segment by segment.
inline bool fits(std::string_view form, std::string_view path) {
    for (;;) {
        const auto want = form.substr(0, form.find('/')), has = path.substr(0, path.find('/'));
        if (want != has && !want.starts_with('{')) return false;
        if (want.size() == form.size() || has.size() == path.size())
            return want.size() == form.size() && has.size() == path.size();
        form.remove_prefix(want.size() + 1);
        path.remove_prefix(has.size() + 1);
    }
}

class ServerTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(storage::run_to_end(
            storage::migrate(*database, storage::embedded_migrations(), start)));
        certificates.emplace(*database);
        open();
    }
    void TearDown() override {
        server.reset();
        EngineTest::TearDown();
    }
    void open() {
        registry = std::make_unique<telemetry::Registry>();
        server = std::make_unique<Server>(Parts{.database = *database,
                                                .certificates = *certificates,
                                                .revoked = revoked,
                                                .issuer = [this] { return issuer; },
                                                .config = config,
                                                .base_url = std::string(base),
                                                .external_secret = external_secret.copy(),
                                                .validator = network,
                                                .log = log,
                                                .registry = *registry,
                                                .now = [this] { return now; },
                                                .limits = limits,
                                                .accounts_per_hour_total = accounts_total,
                                                .retries = {milliseconds(1)}});
        table = routes(*server);
    }

    /// Until there is an answer, and nothing is being tried any more.
    api::Reply run(const api::FakeCall& fake) {
        const auto call = fake.call();
        for (const auto& route : table) {
            if (route.method != call.head.method_text && call.head.method_text != "HEAD") continue;
            if (!fits(route.path, call.path)) continue;
            const auto found = api::parameters_of(route.path, call.path).value();
            auto with = call;
            with.parameters = found;
            return ask(route.handle(with));
        }
        ADD_FAILURE() << "no route " << call.path;
        return {.status = 404};
    }
    api::Reply ask(Task<Result<api::Reply>> answer) {
        net::Loop loop;
        api::Reply reply;
        loop.post([&] { spawn(whole(std::move(answer), reply, loop)); });
        loop.run();
        return reply;
    }
    /// What the house does by itself, until nothing is being tried any more.
    void resume_all() {
        auto resumed = [this]() -> Task<Result<api::Reply>> {
            GH_CO_TRY_VOID(co_await resume(*server));
            co_return api::Reply{};
        };
        (void)ask(resumed());
    }
    api::Reply get(std::string_view path) { return run(api::FakeCall("GET", path)); }

    std::string nonce() { return server->nonces().next(); }
    /// @param url  "https://ca.example/acme/..."
    api::Reply send(const std::string& url, std::string body) {
        api::FakeCall call("POST", url.substr(base.size()));
        call.send(std::move(body));
        return run(call);
    }
    api::Reply post_by_key(const Signer& signer, const std::string& url, std::string_view payload) {
        return send(url, signer.sign(signer.header(signer.by_key(), url, nonce()), payload));
    }

    struct Client {
        Signer signer;
        std::string url;
    };
    Client make_account(std::string_view payload = "{}") {
        Client client;
        const auto reply = post_by_key(client.signer, url("new-account"), payload);
        EXPECT_EQ(reply.status, 201) << reply.body;
        client.url = field_of(reply, "Location");
        return client;
    }
    api::Reply post(const Client& client, const std::string& to, std::string_view payload) {
        const auto header = client.signer.header(Signer::by_account(client.url), to, nonce());
        return send(to, client.signer.sign(header, payload));
    }
    api::Reply look(const Client& client, const std::string& at) { return post(client, at, ""); }

    static std::string url(std::string_view path) {
        return std::string(base) + "/acme/" + std::string(path);
    }
    static std::string identifiers(const std::vector<std::string>& names) {
        std::string text = R"({"identifiers":[)";
        for (const auto& name : names)
            text += (text.ends_with('[') ? "" : ",") + std::string(R"({"type":"dns","value":")") +
                    name + "\"}";
        return text + "]}";
    }
    /// @return its URL
    std::string make_order(const Client& client, const std::vector<std::string>& names) {
        const auto reply = post(client, url("new-order"), identifiers(names));
        EXPECT_EQ(reply.status, 201) << reply.body;
        return field_of(reply, "Location");
    }
    std::vector<std::string> authorizations(const Client& client, const std::string& order) {
        const auto reply = look(client, order);
        const auto body = body_of(reply);
        std::vector<std::string> urls;
        const auto* list = body.find("authorizations");
        if (list == nullptr || list->array() == nullptr) return urls;
        for (const auto& each : *list->array()) urls.push_back(*each.string());
        return urls;
    }
    static std::string challenge_of(const std::string& authorization, std::string_view type) {
        return url("challenge/" + authorization.substr(url("authz/").size()) + "/" +
                   std::string(type));
    }
    std::string ready_order(const Client& client, const std::vector<std::string>& names) {
        auto order = make_order(client, names);
        for (const auto& each : authorizations(client, order))
            EXPECT_EQ(post(client, challenge_of(each, "dns-01"), "{}").status, 200);
        return order;
    }
    api::Reply finalize(const Client& client, const std::string& order, const std::string& csr) {
        return post(client, order + "/finalize",
                    R"({"csr":")" + codec::encode_base64url(csr) + "\"}");
    }
    /// @return the chain
    std::string make_certificate(const Client& client, const std::vector<std::string>& names,
                                 const Signer& key) {
        const auto order = ready_order(client, names);
        const auto done = finalize(client, order, request_for(names, key_of(key.key()).get()));
        EXPECT_EQ(done.status, 200) << done.body;
        return look(client, said(done, "certificate")).body;
    }
    static std::string der_of(const std::string& chain) {
        const auto read = crypto::read_certificates(chain).value();
        unsigned char* der = nullptr;
        const int size = i2d_X509(read.front().get(), &der);
        std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
        return octets;
    }
    std::string status_at(const Client& client, const std::string& at) {
        return said(look(client, at), "status");
    }
    std::string last_act() {
        static constexpr storage::Statement select{
            .name = "test.last_act",
            .sql = "SELECT record FROM audit_records ORDER BY leaf_index DESC LIMIT 1"};
        return storage::run_to_end(database->query(select)).value()[0].text(0);
    }
    std::vector<std::string> acts() {
        static constexpr storage::Statement select{
            .name = "test.acts", .sql = "SELECT record FROM audit_records ORDER BY leaf_index"};
        const auto rows = storage::run_to_end(database->query(select)).value();
        std::vector<std::string> all;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto record = audit::parse_record(rows[i].text(0)).value();
            all.push_back(record.action + " " + std::string(audit::name_of(record.outcome)));
        }
        return all;
    }

    /// Requests refused with a problem of this type.
    std::uint64_t refusals(std::string_view type) const {
        return server->metrics.refused.with({type}).value();
    }

    SystemTime now = start;
    AcmeConfig config{
        .enabled = true, .domains = {"corp.example"}, .external_account_required = false};
    std::function<void()> answered;  ///< called once, before what is being tried is waited for
    OrderLimits limits;
    std::uint32_t accounts_total = 500;
    crypto::Secret external_secret = crypto::Secret::random(32);
    FakeNetwork network;
    RevokedCertificates revoked;
    std::shared_ptr<const Authority> issuer =
        std::make_shared<const Authority>(Authority::create(RootRequest{}, start).value());
    std::optional<CertificateRepository> certificates;
    telemetry::NoLog sink;
    telemetry::Log log{sink};
    std::unique_ptr<telemetry::Registry> registry;
    std::unique_ptr<Server> server;
    std::vector<api::Route> table;

 private:
    Task<> whole(Task<Result<api::Reply>> answer, api::Reply& into, net::Loop& loop) {
        auto reply = co_await std::move(answer);
        EXPECT_TRUE(reply) << describe(reply.error());
        if (reply) into = *std::move(reply);
        if (answered) std::exchange(answered, nullptr)();
        for (int i = 0; i < 10'000 && server->turns.in_line() > 0; ++i)
            co_await net::Sleep(loop, milliseconds(1));
        loop.stop();
    }
};

}  // namespace gh::pki::acme
