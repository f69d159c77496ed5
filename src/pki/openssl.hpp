#pragma once

// For the .cpp files of this room only: OpenSSL's X.509 objects with owners.

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/x509.hpp"

namespace gh::pki {

template <auto free_function>
struct FreeWith {
    template <class T>
    void operator()(T* object) const noexcept {
        free_function(object);
    }
};
using BioHandle = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using NumberHandle = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using IntegerHandle = std::unique_ptr<ASN1_INTEGER, FreeWith<ASN1_INTEGER_free>>;
using TimeHandle = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

inline std::unexpected<Error> openssl_failure() {
    return fail(ErrorKind::internal, "ca.openssl", crypto::take_openssl_errors());
}

inline std::time_t unix_seconds(SystemTime time) {
    return std::chrono::system_clock::to_time_t(time);
}

inline std::string_view view(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

}  // namespace gh::pki
