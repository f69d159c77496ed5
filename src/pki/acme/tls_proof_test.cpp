#include "pki/acme/tls_proof.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "crypto/digest.hpp"
#include "crypto/private_key.hpp"
#include "pki/acme/testing.hpp"
#include "pki/openssl.hpp"

namespace gh::pki::acme {
namespace {

struct Made {
    std::string names = "DNS:a.test";
    std::string extension;  ///< in OpenSSL's words; empty: the right one
    int copies = 1;
    bool self_signed = true;
};

void add(X509* certificate, const std::string& oid_or_name, const std::string& value) {
    const ExtensionHandle extension(
        X509V3_EXT_conf(nullptr, nullptr, oid_or_name.c_str(), value.c_str()));
    ASSERT_TRUE(extension) << value;
    X509_add_ext(certificate, extension.get(), -1);
}

crypto::X509Handle make(const Made& wanted) {
    const Signer key, other;
    const auto own = key_of(key.key()), foreign = key_of(other.key());
    crypto::X509Handle certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), own.get());
    if (!wanted.names.empty()) add(certificate.get(), "subjectAltName", wanted.names);
    const auto digest = crypto::sha256("tok.thumb");
    const auto right = "critical,DER:0420" + codec::encode_hex(crypto::text_of(digest));
    for (int i = 0; i < wanted.copies; ++i)
        add(certificate.get(), "1.3.6.1.5.5.7.1.31",
            wanted.extension.empty() ? right : wanted.extension);
    X509_sign(certificate.get(), wanted.self_signed ? own.get() : foreign.get(), EVP_sha256());
    return certificate;
}

std::string judged(const Made& wanted) {
    const auto certificate = make(wanted);
    const auto checked = check_tls_proof(certificate.get(), "a.test", "tok.thumb");
    return checked ? "" : checked.error().detail;
}

TEST(AcmeTlsProof, IsForOneNameAndOneKeyAuthorization) {
    EXPECT_EQ(judged({}), "");
    EXPECT_EQ(judged({.names = "DNS:A.Test"}), "");
    for (const auto* names : {"", "DNS:b.test", "DNS:a.test,DNS:b.test", "DNS:*.test",
                              "DNS:a.test,IP:127.0.0.1", "URI:https://a.test"})
        EXPECT_EQ(judged({.names = names}), "the certificate is not for this name alone") << names;
    EXPECT_EQ(judged({.self_signed = false}), "the certificate is not self-signed");
    const auto digest = codec::encode_hex(crypto::text_of(crypto::sha256("tok.thumb")));
    const auto other = codec::encode_hex(crypto::text_of(crypto::sha256("tok.other")));
    const std::string refusal =
        "the certificate does not carry this key authorization in acmeIdentifier";
    EXPECT_EQ(judged({.extension = "DER:0420" + digest}), refusal);  // not critical
    EXPECT_EQ(judged({.extension = "critical,DER:0420" + other}), refusal);
    EXPECT_EQ(judged({.extension = "critical,DER:0420" + digest + "00"}), refusal);
    EXPECT_EQ(judged({.copies = 0}), refusal);
    EXPECT_EQ(judged({.copies = 2}), refusal);
}

}  // namespace
}  // namespace gh::pki::acme
