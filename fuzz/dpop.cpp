// Proofs from strangers: as they come, and once more as claims below a signature that is good, so that what reads claims is
// reached too.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "identity/dpop.hpp"
#include "identity/test_tokens.hpp"

namespace {

using namespace gh;

constexpr SystemTime now{std::chrono::seconds{1'700'000'000}};
constexpr identity::DpopRequest request{.method = "GET",
                                        .scheme = "https",
                                        .authority = "api.example",
                                        .path = "/x",
                                        .access_token = {},
                                        .thumbprint = {}};

void demand(bool holds) {
    if (!holds) std::abort();
}

void check(std::string_view proof, bool may_be_believed) {
    const auto good = identity::check_dpop_proof(proof, request, now);
    if (!good) {
        demand(good.error().kind == ErrorKind::unauthenticated &&
               good.error().reason.starts_with("dpop."));
        return;
    }
    demand(may_be_believed);
    demand(good->thumbprint.size() == 43);
    demand(!good->id.empty() && good->id.size() <= identity::dpop_id_bytes_max);
    auto other = request;
    other.method = "POST";
    demand(!identity::check_dpop_proof(proof, other, now));
    demand(!identity::check_dpop_proof(proof, request, now + std::chrono::minutes(2)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check(input, true);

    static const auto key = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    static const auto header = R"({"typ":"dpop+jwt","alg":"ES256","jwk":)" +
                               identity::testing::jwk_of(key.public_key()) + "}";
    auto proof =
        identity::testing::signed_by(key, crypto::SignatureAlgorithm::es256, header, input);
    check(proof, true);
    const auto place = proof.size() - 10;
    proof[place] = proof[place] == 'A' ? 'B' : 'A';
    check(proof, false);
    return 0;
}
