#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crypto/x509.hpp"
#include "pki/signing_request.hpp"
#include "pki/subject_names.hpp"

namespace {

/// Asked of OpenSSL once more.
bool signed_with(EVP_PKEY* key, std::string_view der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    X509_REQ* request = d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size()));
    const bool good = request != nullptr && X509_REQ_verify(request, key) == 1;
    X509_REQ_free(request);
    return good;
}

}  // namespace

/// A request for a certificate: what is taken of it is fit for logs, and its signature was good.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = gh::pki::parse_signing_request({reinterpret_cast<const char*>(data), size});
    if (!read) return 0;
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    if (!bytes.contains("-----BEGIN ") && !signed_with(read->key.get(), bytes)) std::abort();
    if (!read->key || read->common_name.size() > gh::pki::common_name_characters_max) std::abort();
    for (const auto* list : {&read->names.dns, &read->names.addresses, &read->names.uris}) {
        for (const auto& name : *list) {
            for (const char c : name) {
                if (c <= ' ' || c >= '\x7f') std::abort();
            }
        }
    }
    return 0;
}
