// Tokens and key sets from strangers. The input is taken as it is, and once more as claims below a good signature, so
// that what reads claims is reached too.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/base64.hpp"
#include "codec/jwk.hpp"
#include "crypto/hmac.hpp"
#include "identity/jwt.hpp"

namespace {

using namespace gh;

constexpr std::string_view secret =
    "q8Zr2Vw7Rt5Yp1Xn4Bm9Lc6Hd3Gf0JsU";  // secret-scan: allow made for tests
constexpr SystemTime now{std::chrono::seconds{1'000'000}};

void demand(bool holds) {
    if (!holds) std::abort();
}

void check(std::string_view token, bool may_be_believed) {
    static const identity::KeySet keys(
        {identity::VerificationKey::symmetric(codec::JoseAlgorithm::hs256, crypto::Secret(secret))
             .value()});
    static const identity::JwtPolicy policy{
        .issuer = "idp", .issuer_required = false, .audience = {"api"}, .any_audience = true};
    const auto claims = identity::verify_jwt(token, keys, policy, now);
    if (!claims) {
        demand(claims.error().kind == ErrorKind::unauthenticated && !claims.error().reason.empty());
        return;
    }
    demand(may_be_believed);
    demand(claims->expires > now);
    demand(!claims->subject.empty() &&
           claims->subject.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    for (const auto& role : claims->roles)
        demand(!role.empty() && role.find_first_of(",\r\n") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    // A seed may be a good token: then its last part decides, and no fuzzer finds another.
    check(input, true);

    static const crypto::HmacKey key(crypto::HmacHash::sha256, crypto::Secret(secret));
    const auto signed_input =
        codec::encode_base64url(R"({"alg":"HS256"})") + "." + codec::encode_base64url(input);
    const auto code = codec::encode_base64url(crypto::text_of(key.code_of(signed_input).bytes()));
    check(signed_input + "." + code, true);
    auto wrong = signed_input + "." + code;
    wrong.back() = wrong.back() == 'A' ? 'E' : 'A';
    check(wrong, false);

    if (auto set = codec::parse_jwk_set(input)) {
        const auto keys = identity::KeySet::from_jwks(*std::move(set), {.symmetric_allowed = true});
        demand(keys.size() <= codec::jwk_set_keys_max);
    }
    return 0;
}
