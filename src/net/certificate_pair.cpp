#include "net/certificate_pair.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

namespace gh::net {

Result<CertificatePair> read_pair(const CertificateChain& chain) {
    const auto named = [&](Error&& error) {
        auto detail = error.detail.empty() ? chain.source : chain.source + ": " + error.detail;
        return fail(error.kind, error.reason, std::move(detail));
    };
    auto certificates = crypto::read_certificates(chain.cert_pem);
    if (!certificates) return named(std::move(certificates.error()));
    auto key = crypto::read_private_key(chain.key_pem);
    if (!key) return named(std::move(key.error()));
    if (X509_check_private_key(certificates->front().get(), key->get()) != 1) {
        ERR_clear_error();
        return fail(ErrorKind::invalid_argument, "tls.key_mismatch",
                    chain.source + ": the key is not that of the first certificate");
    }
    return CertificatePair{std::move(*certificates), std::move(*key)};
}

}  // namespace gh::net
