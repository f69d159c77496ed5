#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pki/acme/jws.hpp"

/// A request as a stranger sends it: what can be read has a signer, and its signature can be judged.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::pki::acme;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    for (const auto use : {JwsUse::request, JwsUse::key_change, JwsUse::external_account}) {
        const auto jws = parse_jws(text, use);
        if (!jws) {
            if (!jws.error().reason.starts_with("acme.")) std::abort();
            continue;
        }
        if (jws->key.has_value() != jws->key_id.empty()) std::abort();
        if (jws->nonce.empty() != (use != JwsUse::request)) std::abort();
        if (jws->key) {
            if (thumbprint_of(*jws->key).size() != 43) std::abort();
            (void)jws->signed_by(*public_key_of(*jws->key));
        }
    }
    return 0;
}
