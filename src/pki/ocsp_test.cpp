#include "pki/ocsp.hpp"

#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include "pki/openssl.hpp"

namespace gh::pki {
namespace {

using namespace std::chrono_literals;
using RequestHandle = std::unique_ptr<OCSP_REQUEST, FreeWith<OCSP_REQUEST_free>>;
using ResponseHandle = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using BasicHandle = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;

const SystemTime noon = std::chrono::sys_days{2025y / 6 / 1} + 12h;

class OcspTest : public ::testing::Test {
 protected:
    [[nodiscard]] crypto::X509Handle leaf() const {
        const auto issued = issuer_.issue({.names = {.dns = {"a.example"}}}, noon).value();
        return std::move(crypto::read_certificates(issued.chain_pem).value().front());
    }
    /// As a client asks about so many certificates, all the same.
    [[nodiscard]] std::string ask(X509* about, const EVP_MD* digest, std::size_t times,
                                  int nonce_octets) {
        request_.reset(OCSP_REQUEST_new());
        for (std::size_t i = 0; i < times; ++i)
            OCSP_request_add0_id(request_.get(),
                                 OCSP_cert_to_id(digest, about, issuer_.certificate()));
        if (nonce_octets != 0) OCSP_request_add1_nonce(request_.get(), nullptr, nonce_octets);
        unsigned char* der = nullptr;
        const int size = i2d_OCSP_REQUEST(request_.get(), &der);
        std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
        return text;
    }
    static std::string_view reason_of(const std::string& der) {
        const auto parsed = OcspRequest::parse(der);
        return parsed ? "" : parsed.error().reason;
    }

    Authority issuer_ = Authority::create(RootRequest{}, noon).value();
    RequestHandle request_;
};

TEST_F(OcspTest, AnswersWithWhatAClientVerifies) {
    const auto about = leaf();
    struct Case {
        OcspStatus status;
        int wanted;
    };
    using Kind = OcspStatus::Kind;
    const Case cases[] = {
        {{.kind = Kind::good}, V_OCSP_CERTSTATUS_GOOD},
        {{.kind = Kind::unknown}, V_OCSP_CERTSTATUS_UNKNOWN},
        {{Kind::revoked, noon - 1h, RevocationReason::superseded}, V_OCSP_CERTSTATUS_REVOKED}};
    for (const auto& c : cases) {
        for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256()}) {
            SCOPED_TRACE(c.wanted);
            const auto parsed = OcspRequest::parse(ask(about.get(), digest, 1, 16));
            ASSERT_TRUE(parsed);
            EXPECT_EQ(parsed->serials().front(), crypto::serial_of(about.get()));
            EXPECT_TRUE(parsed->is_about(0, issuer_));
            const auto der = answer_ocsp(*parsed, issuer_, {c.status}, noon);
            ASSERT_TRUE(der) << describe(der.error());
            const auto* at = reinterpret_cast<const unsigned char*>(der->data());
            const ResponseHandle response(
                d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der->size())));
            ASSERT_EQ(OCSP_response_status(response.get()), OCSP_RESPONSE_STATUS_SUCCESSFUL);
            const BasicHandle basic(OCSP_response_get1_basic(response.get()));
            EXPECT_EQ(OCSP_check_nonce(request_.get(), basic.get()), 1);
            STACK_OF(X509)* signers = sk_X509_new_null();
            sk_X509_push(signers, issuer_.certificate());
            EXPECT_EQ(
                OCSP_basic_verify(basic.get(), signers, nullptr, OCSP_TRUSTOTHER | OCSP_NOVERIFY),
                1);
            sk_X509_free(signers);
            OCSP_CERTID* id = OCSP_cert_to_id(digest, about.get(), issuer_.certificate());
            int status = -1;
            int reason = -1;
            ASN1_GENERALIZEDTIME* this_update = nullptr;
            ASN1_GENERALIZEDTIME* next_update = nullptr;
            EXPECT_EQ(OCSP_resp_find_status(basic.get(), id, &status, &reason, nullptr,
                                            &this_update, &next_update),
                      1);
            OCSP_CERTID_free(id);
            EXPECT_EQ(status, c.wanted);
            if (c.wanted == V_OCSP_CERTSTATUS_REVOKED) {
                EXPECT_EQ(reason, 4);
            }
            EXPECT_EQ(ASN1_TIME_cmp_time_t(this_update, unix_seconds(noon - 5min)), 0);
            EXPECT_EQ(ASN1_TIME_cmp_time_t(next_update, unix_seconds(noon + ocsp_lifetime)), 0);
        }
    }
}

TEST_F(OcspTest, KnowsAnotherIssuersCertificatesFromItsOwn) {
    const auto about = leaf();
    const auto parsed = OcspRequest::parse(ask(about.get(), EVP_sha256(), 1, 0)).value();
    EXPECT_TRUE(parsed.is_about(0, issuer_));
    EXPECT_FALSE(parsed.is_about(0, Authority::create(RootRequest{}, noon).value()));
    const auto odd = OcspRequest::parse(ask(about.get(), EVP_sha512(), 1, 0)).value();
    EXPECT_FALSE(odd.is_about(0, issuer_)) << "a digest nobody asks with";
}

TEST_F(OcspTest, RefusesRequestsBeyondItsLimits) {
    const auto about = leaf();
    const auto good = ask(about.get(), EVP_sha1(), 1, 0);
    std::string nested;
    for (int i = 0; i < 1'000; ++i) nested += "\x30\x80";
    struct Case {
        std::string der;
        std::string_view reason;
    };
    const Case cases[] = {
        {good, ""},
        {ask(about.get(), EVP_sha1(), ocsp_questions_max, 32), ""},
        {ask(about.get(), EVP_sha1(), ocsp_questions_max + 1, 0), "ocsp.malformed"},
        {ask(about.get(), EVP_sha1(), 0, 0), "ocsp.malformed"},
        {ask(about.get(), EVP_sha1(), 1, 33), ""},
        {ask(about.get(), EVP_sha1(), 1, 128), ""},
        {ask(about.get(), EVP_sha1(), 1, 129), "ocsp.malformed"},
        {good + std::string(1, '\0'), "ocsp.malformed"},
        {good.substr(0, good.size() - 1), "ocsp.malformed"},
        {"", "ocsp.malformed"},
        {nested, "ocsp.malformed"},
        {std::string(ocsp_request_bytes_max + 1, '\x30'), "ocsp.too_long"},
    };
    int index = 0;
    for (const auto& c : cases) {
        SCOPED_TRACE(index++);
        EXPECT_EQ(reason_of(c.der), c.reason);
    }
}

TEST_F(OcspTest, RepeatsANonceOf32OctetsAndPassesOverALongerOne) {
    const auto about = leaf();
    for (const int octets : {1, 32, 33, 128}) {
        SCOPED_TRACE(octets);
        const auto parsed = OcspRequest::parse(ask(about.get(), EVP_sha1(), 1, octets)).value();
        const auto der = answer_ocsp(parsed, issuer_, {OcspStatus{}}, noon).value();
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        const ResponseHandle response(
            d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
        const BasicHandle basic(OCSP_response_get1_basic(response.get()));
        // 1: the same; -1: the request's alone
        EXPECT_EQ(OCSP_check_nonce(request_.get(), basic.get()), octets <= 32 ? 1 : -1);
    }
}

TEST_F(OcspTest, FailuresAreAnswersWithoutASignature) {
    for (const auto failure : {OcspFailure::malformed_request, OcspFailure::try_later}) {
        const auto der = ocsp_failure(failure);
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        const ResponseHandle response(
            d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
        ASSERT_TRUE(response);
        EXPECT_EQ(OCSP_response_status(response.get()), static_cast<int>(failure));
    }
}

}  // namespace
}  // namespace gh::pki
