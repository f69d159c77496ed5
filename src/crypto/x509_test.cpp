#include "crypto/x509.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <fstream>
#include <iterator>

namespace gh::crypto {
namespace {

std::string vector_file(std::string_view name) {
    std::ifstream file(std::string(GATEHOUSE_TESTS_DIR) + "/vectors/x509/" + std::string(name));
    EXPECT_TRUE(file) << name;
    return {std::istreambuf_iterator<char>(file), {}};
}

enum class KeyForm { pkcs8, traditional, behind_parameters, encrypted, encrypted_traditional };

/// Keys are made here, and none rests in the source tree.
std::string key_text(EVP_PKEY* key, KeyForm form) {
    BIO* bio = BIO_new(BIO_s_mem());
    const auto* passphrase = reinterpret_cast<const unsigned char*>("secret");
    const bool encrypted = form == KeyForm::encrypted || form == KeyForm::encrypted_traditional;
    const EVP_CIPHER* cipher = encrypted ? EVP_aes_128_cbc() : nullptr;
    if (form == KeyForm::behind_parameters) {
        BIO_puts(bio,
                 "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    }
    const int written = form == KeyForm::pkcs8 || form == KeyForm::encrypted
                            ? PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, "secret",
                                                            encrypted ? 6 : 0, nullptr, nullptr)
                            : PEM_write_bio_PrivateKey_traditional(
                                  bio, key, cipher, encrypted ? passphrase : nullptr,
                                  encrypted ? 6 : 0, nullptr, nullptr);
    EXPECT_EQ(written, 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

TEST(Certificates, SayWhatOpenSslPrintsOfThem) {
    const auto chain = read_certificates(vector_file("names.pem"));
    ASSERT_TRUE(chain) << describe(chain.error());
    ASSERT_EQ(chain->size(), 1U);
    const X509* certificate = chain->front().get();
    EXPECT_EQ(common_name_of(certificate), "Names & more");
    EXPECT_EQ(serial_of(certificate), "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
    EXPECT_EQ(fingerprint_of(certificate),
              "e7692bc6e6c359b75eaedfcb6944b73cc75661fff3010e0f1de6ea62c1a4c24a");
    const CertificateNames expected{.dns = {"api.example.com", "*.example.org"},
                                    .addresses = {"192.0.2.7", "2001:db8::7"},
                                    .uris = {"spiffe://example.com/agent/7"}};
    EXPECT_EQ(names_of(certificate), expected);
    using namespace std::chrono_literals;
    EXPECT_EQ(not_before_of(certificate), std::chrono::sys_days{2024y / 1 / 2} + 3h + 4min + 5s);
    EXPECT_EQ(not_after_of(certificate),
              SystemTime(std::chrono::floor<std::chrono::seconds>(SystemTime::max())))
        << "the year 9999 is as late as can be said";
}

TEST(Certificates, AreReadInTheirOrderAmongOtherText) {
    const auto first = vector_file("names.pem");
    const auto second = vector_file("other.pem");
    const auto both = read_certificates(
        "bag attributes\n" + first +
        key_text(KeyHandle(EVP_EC_gen("P-256")).get(), KeyForm::pkcs8) + "\n# note\n" + second);
    ASSERT_TRUE(both) << describe(both.error());
    ASSERT_EQ(both->size(), 2U);
    EXPECT_EQ(common_name_of((*both)[1].get()), "other");
    EXPECT_EQ(to_pem((*both)[0].get()), first);
}

TEST(Certificates, ThatCannotBeReadAreRefusedWithAReason) {
    const auto good = vector_file("names.pem");
    auto flipped = good;
    flipped[good.size() / 2] = '!';
    struct Case {
        std::string pem;
        std::string_view reason;
    };
    const Case cases[] = {
        {"", "certificate.missing"},
        {"no PEM at all", "certificate.missing"},
        {key_text(KeyHandle(EVP_EC_gen("P-256")).get(), KeyForm::pkcs8), "certificate.missing"},
        {good.substr(0, good.size() / 2), "certificate.malformed"},
        {good + good.substr(0, good.size() / 2), "certificate.malformed"},
        {flipped, "certificate.malformed"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate.malformed"},
        {std::string(pem_bytes_max + 1, ' '), "certificate.too_long"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.pem.substr(0, 100));
        const auto chain = read_certificates(c.pem);
        EXPECT_EQ(chain ? "" : chain.error().reason, c.reason);
    }
}

TEST(PrivateKeys, AreReadInEveryFormThatServersUse) {
    const KeyHandle ec(EVP_EC_gen("P-256"));
    const KeyHandle rsa(EVP_RSA_gen(2048));
    const KeyHandle ed25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    struct Case {
        EVP_PKEY* key;
        KeyForm form;
        std::string_view label;
    };
    const Case cases[] = {
        {ec.get(), KeyForm::pkcs8, "PRIVATE KEY"},
        {ec.get(), KeyForm::traditional, "EC PRIVATE KEY"},
        {ec.get(), KeyForm::behind_parameters, "EC PARAMETERS"},
        {rsa.get(), KeyForm::pkcs8, "PRIVATE KEY"},
        {rsa.get(), KeyForm::traditional, "RSA PRIVATE KEY"},
        {ed25519.get(), KeyForm::pkcs8, "PRIVATE KEY"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.label);
        const auto text = key_text(c.key, c.form);
        EXPECT_TRUE(text.starts_with("-----BEGIN " + std::string(c.label) + "-----"));
        const auto key = read_private_key(text);
        ASSERT_TRUE(key) << describe(key.error());
        EXPECT_EQ(EVP_PKEY_eq(key->get(), c.key), 1);
        const auto again = read_private_key(to_pem(key->get()));
        ASSERT_TRUE(again);
        EXPECT_EQ(EVP_PKEY_eq(again->get(), c.key), 1);
    }
}

TEST(PrivateKeys, ThatCannotBeReadAreRefusedAndNobodyIsAsked) {
    const KeyHandle ec(EVP_EC_gen("P-256"));
    const auto good = key_text(ec.get(), KeyForm::pkcs8);
    struct Case {
        std::string pem;
        std::string_view reason;
    };
    const Case cases[] = {
        {"", "key.missing"},
        {vector_file("names.pem"), "key.missing"},
        {key_text(ec.get(), KeyForm::encrypted), "key.encrypted"},
        {key_text(ec.get(), KeyForm::encrypted_traditional), "key.encrypted"},
        {good.substr(0, 60) + good.substr(64), "key.malformed"},
        {good.substr(0, good.size() - 30), "key.malformed"},
        {std::string(pem_bytes_max + 1, ' '), "key.too_long"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.pem.substr(0, 100));
        const auto key = read_private_key(c.pem);
        EXPECT_EQ(key ? "" : key.error().reason, c.reason);
    }
}

TEST(CertificateNames, WithANulInThemCountForNothing) {
    const auto chain = read_certificates(vector_file("nul-name.pem"));
    ASSERT_TRUE(chain) << describe(chain.error());
    const CertificateNames expected{.dns = {"good.example.com"}, .addresses = {}, .uris = {}};
    EXPECT_EQ(names_of(chain->front().get()), expected);
    EXPECT_EQ(common_name_of(chain->front().get()), "");
}

}  // namespace
}  // namespace gh::crypto
