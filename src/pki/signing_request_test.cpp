#include "pki/signing_request.hpp"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <functional>

#include "pki/openssl.hpp"

namespace gh::pki {
namespace {

using RequestHandle = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;
using ContextHandle = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

struct Wanted {
    std::string names = "DNS:A.example,IP:192.0.2.1,IP:2001:db8::1,URI:spiffe://example.org/a";
    std::string common_name = "agent 7";
    std::string constraints = {};
    const EVP_MD* digest = EVP_sha256();
    bool pss = false;
};

void sign(X509_REQ* request, EVP_PKEY* key, const Wanted& wanted) {
    const ContextHandle context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* how = nullptr;
    ASSERT_EQ(EVP_DigestSignInit(context.get(), &how, wanted.digest, nullptr, key), 1);
    if (wanted.pss) {
        ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 1);
    }
    ASSERT_GT(X509_REQ_sign_ctx(request, context.get()), 0);
}

void add(STACK_OF(X509_EXTENSION) * list, int nid, const std::string& value) {
    if (value.empty()) return;
    sk_X509_EXTENSION_push(list, X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
}

std::string request_of(EVP_PKEY* key, const Wanted& wanted) {
    const RequestHandle request(X509_REQ_new());
    X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName,
                               MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wanted.common_name.data()),
                               static_cast<int>(wanted.common_name.size()), -1, 0);
    X509_REQ_set_pubkey(request.get(), key);
    STACK_OF(X509_EXTENSION)* list = sk_X509_EXTENSION_new_null();
    add(list, NID_subject_alt_name, wanted.names);
    add(list, NID_basic_constraints, wanted.constraints);
    if (sk_X509_EXTENSION_num(list) > 0) X509_REQ_add_extensions(request.get(), list);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    sign(request.get(), key, wanted);
    unsigned char* der = nullptr;
    const int size = i2d_X509_REQ(request.get(), &der);
    std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return text;
}

std::string pem_of(const std::string& der, const char* label = PEM_STRING_X509_REQ) {
    const BioHandle bio(BIO_new(BIO_s_mem()));
    PEM_write_bio(bio.get(), label, "", reinterpret_cast<const unsigned char*>(der.data()),
                  static_cast<long>(der.size()));
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

crypto::KeyHandle p256() { return crypto::KeyHandle(EVP_EC_gen("P-256")); }

std::string_view reason_of(std::string_view bytes) {
    const auto read = parse_signing_request(bytes);
    return read ? "" : read.error().reason;
}

TEST(SigningRequest, TellsWhatItsMakerWantsAndHolds) {
    const auto key = p256();
    const auto der = request_of(key.get(), {});
    for (const auto& text : {der, pem_of(der), pem_of(der, PEM_STRING_X509_REQ_OLD)}) {
        const auto read = parse_signing_request(text);
        ASSERT_TRUE(read) << describe(read.error());
        EXPECT_EQ(read->common_name, "agent 7");
        const crypto::CertificateNames names{.dns = {"a.example"},
                                             .addresses = {"192.0.2.1", "2001:db8::1"},
                                             .uris = {"spiffe://example.org/a"}};
        EXPECT_EQ(read->names, names);
        EXPECT_EQ(EVP_PKEY_eq(read->key.get(), key.get()), 1);
    }
    const auto bare = parse_signing_request(request_of(key.get(), {.names = ""}));
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->names, crypto::CertificateNames{});
}

TEST(SigningRequest, TakesKeysThatHoldAndRefusesThoseThatDoNot) {
    struct Case {
        std::function<EVP_PKEY*()> make;
        const EVP_MD* digest;
        std::string_view reason;
        bool pss = false;
    };
    const auto spelled_out = [] {
        EVP_PKEY* key = EVP_EC_gen("P-256");
        EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit");
        return key;
    };
    const Case cases[] = {
        {spelled_out, EVP_sha256(), "key.unsupported"},
        {[] { return EVP_RSA_gen(2048); }, EVP_sha256(), "", true},
        {[] { return EVP_RSA_gen(2048); }, EVP_sha512(), "", true},
        {[] { return EVP_RSA_gen(2048); }, EVP_sha1(), "csr.algorithm", true},
        {[] { return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); }, nullptr, ""},
        {[] { return EVP_EC_gen("P-384"); }, EVP_sha384(), ""},
        {[] { return EVP_RSA_gen(2048); }, EVP_sha256(), ""},
        {[] { return EVP_RSA_gen(1024); }, EVP_sha256(), "key.weak"},
        {[] { return EVP_EC_gen("secp256k1"); }, EVP_sha256(), "key.unsupported"},
        {[] { return EVP_EC_gen("P-224"); }, EVP_sha256(), "key.unsupported"},
        {[] { return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448"); }, nullptr, "key.unsupported"},
        {[] { return EVP_EC_gen("P-256"); }, EVP_sha1(), "csr.algorithm"},
        {[] { return EVP_RSA_gen(2048); }, EVP_md5(), "csr.algorithm"},
    };
    int index = 0;
    for (const auto& c : cases) {
        SCOPED_TRACE(index++);
        const crypto::KeyHandle key(c.make());
        ASSERT_TRUE(key);
        EXPECT_EQ(reason_of(request_of(key.get(), {.digest = c.digest, .pss = c.pss})), c.reason);
    }
}

TEST(SigningRequest, RefusesWhatItCannotReadOrWillNotGrant) {
    const auto key = p256();
    const auto good = request_of(key.get(), {});
    auto forged = good;
    forged.back() = static_cast<char>(forged.back() ^ 1);
    auto other_name = good;
    other_name[other_name.find("agent 7")] = 'A';
    std::string many = "DNS:n0.example";
    for (int i = 1; i <= 100; ++i) many += ",DNS:n" + std::to_string(i) + ".example";
    std::string nested;  // an ASN.1 bomb: sequences in sequences
    for (int i = 0; i < 4'000; ++i) nested += "\x30\x80";
    struct Case {
        std::string bytes;
        std::string_view reason;
    };
    const Case cases[] = {
        {"", "csr.malformed"},
        {"nonsense", "csr.malformed"},
        {good.substr(0, good.size() - 1), "csr.malformed"},
        {good + "\n", "csr.malformed"},
        {nested, "csr.malformed"},
        {std::string("\x30\x84\x7f\xff\xff\xff", 6), "csr.malformed"},
        {std::string(signing_request_bytes_max + 1, '\x30'), "csr.too_long"},
        {pem_of(good) + pem_of(good), "csr.malformed"},
        {pem_of(good, "CERTIFICATE"), "csr.malformed"},
        {"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", "csr.malformed"},
        {forged, "csr.signature"},
        {other_name, "csr.signature"},
        {request_of(key.get(), {.constraints = "CA:TRUE"}), "csr.authority"},
        {request_of(key.get(), {.constraints = "CA:FALSE"}), ""},
        {request_of(key.get(), {.names = "email:a@example.com"}), "csr.name"},
        {request_of(key.get(), {.names = "otherName:1.2.3.4;UTF8:x"}), "csr.name"},
        {request_of(key.get(), {.names = "RID:1.2.3.4"}), "csr.name"},
        {request_of(key.get(), {.names = "DNS:a b"}), "csr.name"},
        {request_of(key.get(), {.names = many}), "csr.name"},
        {request_of(key.get(), {.common_name = "a\nb"}), "csr.name"},
    };
    int index = 0;
    for (const auto& c : cases) {
        SCOPED_TRACE(index++);
        EXPECT_EQ(reason_of(c.bytes), c.reason);
    }
}

}  // namespace
}  // namespace gh::pki
