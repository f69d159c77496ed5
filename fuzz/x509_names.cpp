#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "crypto/x509.hpp"

namespace {

bool printable(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') return false;
    }
    return true;
}

void check(const X509* certificate) {
    using namespace gh::crypto;
    const auto names = names_of(certificate);
    for (const auto* list : {&names.dns, &names.addresses, &names.uris}) {
        for (const auto& name : *list) {
            if (name.empty() || !printable(name)) std::abort();  // it ends up in headers and logs
        }
    }
    if (!printable(common_name_of(certificate))) std::abort();
    if (fingerprint_of(certificate).size() != 64 || serial_of(certificate).size() % 2 != 0)
        std::abort();
    (void)not_before_of(certificate);
    (void)not_after_of(certificate);
}

}  // namespace

/// What a client's certificate says of itself, DER, before anything is verified.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const unsigned char* at = data;
    const gh::crypto::X509Handle certificate(d2i_X509(nullptr, &at, static_cast<long>(size)));
    if (certificate) check(certificate.get());
    (void)gh::crypto::take_openssl_errors();
    return 0;
}
