#include <openssl/ocsp.h>

#include <algorithm>

#include "api/testing.hpp"
#include "codec/hex.hpp"
#include "pki/ocsp.hpp"
#include "pki/openssl.hpp"
#include "pki/room.hpp"
#include "storage/testing.hpp"

namespace gh::pki {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using storage::run_to_end;
using RequestHandle = std::unique_ptr<OCSP_REQUEST, FreeWith<OCSP_REQUEST_free>>;
using ResponseHandle = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using BasicHandle = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;

const SystemTime now{seconds(1'750'000'000)};

class PublicationTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        certificates.emplace(*database);
        auto current = [this] { return issuer; };
        room = std::make_unique<Room>(*certificates, revoked, crl, std::move(current),
                                      issuer->certificate_pem());
        routes = publication_routes(*room);
    }
    std::string add() {
        const auto issued = issuer->issue({.names = {.dns = {"a.example"}}}, now).value();
        return run_to_end(certificates->add(issued, "ann", now)).value().serial;
    }
    [[nodiscard]] OCSP_CERTID* id_of(const std::string& serial) const {
        const auto octets = codec::decode_hex(serial).value();
        const NumberHandle number(BN_bin2bn(reinterpret_cast<const unsigned char*>(octets.data()),
                                            static_cast<int>(octets.size()), nullptr));
        const IntegerHandle integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
        return OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer->certificate()),
                                X509_get0_pubkey_bitstr(issuer->certificate()), integer.get());
    }
    [[nodiscard]] std::string request_for(const std::vector<std::string>& serials) const {
        const RequestHandle request(OCSP_REQUEST_new());
        for (const auto& serial : serials) OCSP_request_add0_id(request.get(), id_of(serial));
        unsigned char* der = nullptr;
        const int size = i2d_OCSP_REQUEST(request.get(), &der);
        std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
        return text;
    }
    Result<api::Reply> ask(std::string_view method, std::string_view path, std::string body = {}) {
        const auto route = std::ranges::find_if(routes, [&](const api::Route& each) {
            return each.method == method && each.path == path;
        });
        api::FakeCall call(method, path);
        call.send(std::move(body));
        return run_to_end(route->handle(call.call()));
    }
    /// The statuses in the answer, as OpenSSL numbers them; nothing where there is none but a failure.
    std::vector<int> statuses(const std::vector<std::string>& serials) {
        const auto reply = ask("POST", "/pki/ocsp", request_for(serials)).value();
        const auto* at = reinterpret_cast<const unsigned char*>(reply.body.data());
        const ResponseHandle response(
            d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(reply.body.size())));
        if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) return {};
        const BasicHandle basic(OCSP_response_get1_basic(response.get()));
        std::vector<int> found;
        for (const auto& serial : serials) {
            int status = -1;
            OCSP_CERTID* id = id_of(serial);
            OCSP_resp_find_status(basic.get(), id, &status, nullptr, nullptr, nullptr, nullptr);
            OCSP_CERTID_free(id);
            found.push_back(status);
        }
        return found;
    }

    std::shared_ptr<const Authority> issuer =
        std::make_shared<const Authority>(Authority::create(RootRequest{}, now).value());
    std::optional<CertificateRepository> certificates;
    RevokedCertificates revoked;
    CrlKeeper crl;
    std::unique_ptr<Room> room;
    std::vector<api::Route> routes;
};
INSTANTIATE_TEST_SUITE_P(Engines, PublicationTest, storage::both_engines, storage::engine_name);

TEST_P(PublicationTest, TellsGoodRevokedAndUnknownCertificatesApart) {
    const auto good = add();
    const auto ended = add();
    ASSERT_TRUE(run_to_end(certificates->revoke(ended, {}, {}, now, {})));
    EXPECT_EQ(
        statuses({ended, "0badc0ffee", good}),
        (std::vector{V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_UNKNOWN, V_OCSP_CERTSTATUS_GOOD}))
        << "though nobody has learnt of the revocation yet";
}

TEST_P(PublicationTest, AsksTheDatabaseForFewAtATimeAndForNobodysSerialNever) {
    const auto good = add();
    const auto ended = add();
    revoked.add({{.serial = ended,
                  .issuer_key_id = issuer->key_id(),
                  .reason = {},
                  .revoked_at = now,
                  .not_after = now + 24h}});
    const std::string too_long = "01" + std::string(32, 'a');
    room->lookups = 16;
    EXPECT_TRUE(statuses({good}).empty()) << "later";
    EXPECT_EQ(statuses({ended, too_long}),
              (std::vector{V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_UNKNOWN}))
        << "known without a question";
    room->lookups = 15;
    EXPECT_EQ(statuses({good}), std::vector{V_OCSP_CERTSTATUS_GOOD});
    EXPECT_EQ(room->lookups.load(), 15U);
}

TEST_P(PublicationTest, HandsOutOneListToAll) {
    const auto early = ask("GET", "/pki/crl");
    EXPECT_EQ(early ? "" : early.error().reason, "crl.unknown");
    ASSERT_TRUE(crl.keep(*issuer, revoked, now));
    const auto reply = ask("GET", "/pki/crl").value();
    EXPECT_EQ(reply.shared_body.get(), &crl.current()->der) << "no copy of it";
    EXPECT_TRUE(reply.body.empty());
}

TEST_P(PublicationTest, HandsOutTheListOfTheRootOrSaysWhoMakesIt) {
    std::shared_ptr<const Crl> list;
    room->root_crl = [&list] { return list; };
    const auto none = ask("GET", "/pki/root.crl").value();
    EXPECT_EQ(none.status, 404);
    EXPECT_TRUE(none.body.contains("crl.root_none") && none.body.contains("--offline-root"));
    list = std::make_shared<const Crl>(next_crl(*issuer, {}, 0, now, days{365}).value());
    const auto reply = ask("GET", "/pki/root.crl").value();
    EXPECT_EQ(reply.shared_body.get(), &list->der);
    EXPECT_EQ(reply.content_type, "application/pkix-crl");
    EXPECT_EQ(
        std::ranges::count(reply.fields, std::pair<std::string, std::string>("ETag", list->etag)),
        1);
}

}  // namespace
}  // namespace gh::pki
