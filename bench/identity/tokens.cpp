// Checking tokens of ours, in turns with OpenSSL: the same bytes, the same keys, and nothing but the cryptography.

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "codec/jwk.hpp"
#include "crypto/digest.hpp"
#include "figures.hpp"
#include "identity/dpop.hpp"
#include "identity/jwt.hpp"
#include "identity/test_tokens.hpp"
#include "identity/token_authenticator.hpp"
#include "identity/token_issuer.hpp"

namespace gh::bench {
namespace {

using namespace identity;

const SystemTime now{seconds(1'700'000'000)};
constexpr std::size_t tokens_max =
    256;  // different ones, as many as fit the caches of any processor

void must(bool holds) {
    if (!holds) throw std::runtime_error("something did not hold that the bench relies on");
}

/// Signs with keys that are made for it.
class NoKeyStore final : public crypto::KeyStore {
 public:
    Result<crypto::Secret> load(std::string_view) override {
        return fail(ErrorKind::not_found, "key_store.absent");
    }
    Result<void> store(std::string_view, const crypto::Secret& key) override {
        kept = crypto::Secret(key.bytes());
        return {};
    }
    crypto::Secret kept;
};

struct Issuer {
    explicit Issuer(codec::JoseAlgorithm algorithm)
        : issuer("https://gate.example",
                 SigningKeys::keep(store, algorithm, {}, now - std::chrono::hours(1)).value()) {
        for (std::size_t i = 0; i < tokens_max; ++i) {
            const TokenGrant grant{.subject = "user-" + std::to_string(i),
                                   .roles = {"user"},
                                   .scopes = {"query", "documents:read"},
                                   .audience = {},
                                   .client_id = "console",
                                   .actor = {},
                                   .confirmation = {}};
            tokens.push_back(issuer.issue(grant, now).text);
        }
    }
    [[nodiscard]] const std::string& token(std::size_t i) const { return tokens[i % tokens_max]; }

    NoKeyStore store;
    TokenIssuer issuer;
    std::vector<std::string> tokens;
};

std::string_view signed_part(std::string_view token) { return token.substr(0, token.rfind('.')); }

/// HMAC with a context that was fetched and keyed once.
class BareHmac {
 public:
    explicit BareHmac(crypto::Bytes key)
        : mac_(EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free),
          context_(EVP_MAC_CTX_new(mac_.get()), &EVP_MAC_CTX_free) {
        std::array<char, 7> name{"SHA256"};
        const OSSL_PARAM digest[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
            OSSL_PARAM_construct_end()};
        must(EVP_MAC_init(context_.get(), key.data(), key.size(), digest) == 1);
    }
    void operator()(std::string_view message) {
        std::size_t size = 0;
        must(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 &&
             EVP_MAC_update(context_.get(), crypto::bytes_of(message).data(), message.size()) ==
                 1 &&
             EVP_MAC_final(context_.get(), code_.data(), &size, code_.size()) == 1);
    }

 private:
    std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> mac_;
    std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context_;
    std::array<std::uint8_t, 64> code_;
};

/// ECDSA as OpenSSL takes it: the signature in DER, made outside the measured time.
class BareEcdsa {
 public:
    BareEcdsa(const std::string& pem, const std::vector<std::string>& tokens) {
        const std::unique_ptr<BIO, int (*)(BIO*)> in(
            BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
        key_.reset(PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr));
        must(key_ != nullptr);
        for (const auto& token : tokens) {
            const auto raw = codec::decode_base64url(token.substr(token.rfind('.') + 1)).value();
            const auto half = [&](std::size_t at) {
                return BN_bin2bn(crypto::bytes_of(raw).data() + at, 32, nullptr);
            };
            const std::unique_ptr<ECDSA_SIG, void (*)(ECDSA_SIG*)> pair(ECDSA_SIG_new(),
                                                                        &ECDSA_SIG_free);
            must(ECDSA_SIG_set0(pair.get(), half(0), half(32)) == 1);
            unsigned char* der = nullptr;
            const int size = i2d_ECDSA_SIG(pair.get(), &der);
            signatures_.emplace_back(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
            OPENSSL_free(der);
        }
    }
    void operator()(std::size_t i, std::string_view message) {
        const auto& signature = signatures_[i % signatures_.size()];
        const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                         &EVP_MD_CTX_free);
        must(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
             EVP_DigestVerify(context.get(), crypto::bytes_of(signature).data(), signature.size(),
                              crypto::bytes_of(message).data(), message.size()) == 1);
    }

 private:
    struct Free {
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    };
    std::unique_ptr<EVP_PKEY, Free> key_;
    std::vector<std::string> signatures_;
};

void check(const Issuer& by, const TrustedIssuer& trusted, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i)
        must(verify_jwt(by.token(i), *trusted.keys, trusted.policy, now).has_value());
}

/// A proof of a key that is not seen again: what a request with DPoP costs beside its token.
struct Prover {
    Prover() : key(crypto::PrivateKey::generate(crypto::KeyKind::ec_p256)) {
        proof = identity::testing::signed_by(
            key, crypto::SignatureAlgorithm::es256,
            R"({"typ":"dpop+jwt","alg":"ES256","jwk":)" +
                identity::testing::jwk_of(key.public_key()) + "}",
            R"({"jti":"0123456789abcdef","htm":"GET","htu":"https://gate.example/x","iat":1700000000})");
    }
    void check(std::size_t times) const {
        const DpopRequest request{.method = "GET",
                                  .scheme = "https",
                                  .authority = "gate.example",
                                  .path = "/x",
                                  .access_token = {},
                                  .thumbprint = {}};
        for (std::size_t i = 0; i < times; ++i)
            must(check_dpop_proof(proof, request, now).has_value());
    }
    crypto::PrivateKey key;
    std::string proof;
};

/// A key of the database that this worker knows.
struct KnownKey {
    KnownKey()
        : text(generate_api_key("0123456789abcdef").value()),
          keys([](std::string_view, SystemTime) { return find(); }, [] { return now; }, uses) {
        (void)keys.ask(text, now);
    }
    static Task<Result<std::shared_ptr<const access::Principal>>> find() {
        auto principal = std::make_shared<access::Principal>();
        principal->token_id = "0123456789abcdef";  // secret-scan: allow an id
        co_return principal;
    }
    void look_up(std::size_t times) {
        for (std::size_t i = 0; i < times; ++i)
            must(keys.find(text, now)->state == StoredKeys::Found::State::good);
    }
    std::string text;
    KeyUses uses;
    StoredKeys keys;
};

}  // namespace

bool tokens(std::size_t rounds) {
    const Issuer hs256(codec::JoseAlgorithm::hs256), es256(codec::JoseAlgorithm::es256);
    const auto hs256_trust = hs256.issuer.trusted(), es256_trust = es256.issuer.trusted();
    const TrustSource source(Trust::make({hs256_trust}, nullptr, hs256.issuer.name()).value());
    TokenAuthenticator door(source);
    std::vector<std::string> values;
    for (const auto& token : hs256.tokens) values.push_back("Bearer " + token);
    const auto show = [&](std::size_t times) {
        for (std::size_t i = 0; i < times; ++i) {
            const access::Credentials given{.authorization = values[i % tokens_max],
                                            .has_authorization = true};
            must(door.authenticate(given, now).principal != nullptr);
        }
    };
    BareHmac hmac(crypto::Secret::random(64).bytes());
    const auto signing = crypto::PrivateKey::from_pem(
                             crypto::text_of(es256.issuer.keys()->current(now).material().bytes()))
                             .value();
    BareEcdsa ecdsa(signing.public_key().pem(), es256.tokens);
    const Prover prover;
    KnownKey key;
    std::vector<Contestant> all{
        {"HMAC-SHA-256 alone (OpenSSL)",
         [&](std::size_t times) {
             for (std::size_t i = 0; i < times; ++i) hmac(signed_part(hs256.token(i)));
         },
         10'000},
        {"HS256 token checked", [&](std::size_t times) { check(hs256, hs256_trust, times); },
         2'000},
        {"token seen before", show, 20'000},
        {"ECDSA P-256 alone (OpenSSL)",
         [&](std::size_t times) {
             for (std::size_t i = 0; i < times; ++i) ecdsa(i, signed_part(es256.token(i)));
         },
         100},
        {"ES256 token checked", [&](std::size_t times) { check(es256, es256_trust, times); }, 100},
        {"DPoP proof (ES256) checked", [&](std::size_t times) { prover.check(times); }, 100},
        {"key of the database, known", [&](std::size_t times) { key.look_up(times); }, 50'000},
    };
    take_turns(all, rounds);
    fmt::print("Tokens of {} and {} octets, {} rounds, medians.\n\n| | us |\n| --- | --- |\n",
               hs256.token(0).size(), es256.token(0).size(), rounds);
    for (const auto& each : all) fmt::print("| {} | {:.3f} |\n", each.name, each.typical());
    fmt::print("\n| ratio | is | at most | holds |\n| --- | --- | --- | --- |\n");
    bool holds = judge("HS256 to HMAC alone", all[1].typical() / all[0].typical(), 3);
    holds &= judge("ES256 to ECDSA alone", all[4].typical() / all[3].typical(), 1.3);
    holds &= judge("seen before to HS256", all[2].typical() / all[1].typical(), 1.0 / 3);
    return holds;
}

}  // namespace gh::bench
