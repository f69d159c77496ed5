#include "pki/offline_root.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <algorithm>
#include <array>

#include "base/try.hpp"
#include "pki/openssl.hpp"

namespace gh::pki {
namespace {

using PlainHandle = std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeWith<PKCS8_PRIV_KEY_INFO_free>>;
using SealedHandle = std::unique_ptr<X509_SIG, FreeWith<X509_SIG_free>>;
using AlgorithmHandle = std::unique_ptr<X509_ALGOR, FreeWith<X509_ALGOR_free>>;

// 16 MiB, five times over: as much as OpenSSL reads without being told to allow more memory.
constexpr std::uint64_t scrypt_n = 16'384;
constexpr std::uint64_t scrypt_r = 8;
constexpr std::uint64_t scrypt_p = 5;

struct Passphrase {
    std::string_view text;
};

int type_in(char* buffer, int size, int, void* given) {
    const auto text = static_cast<const Passphrase*>(given)->text;
    if (text.size() > static_cast<std::size_t>(size)) return -1;
    std::ranges::copy(text, buffer);
    return static_cast<int>(text.size());
}

}  // namespace

Result<std::string> seal_root(const Authority& root, const crypto::Secret& passphrase) {
    const auto text = crypto::text_of(passphrase.bytes());
    if (text.size() < offline_passphrase_bytes_min || text.size() > PEM_BUFSIZE) {
        return fail(ErrorKind::invalid_argument, "ca.passphrase",
                    "the passphrase of a root has 12 to 1024 bytes");
    }
    const PlainHandle plain(EVP_PKEY2PKCS8(root.key()));
    AlgorithmHandle algorithm(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 0, nullptr,
                                                    scrypt_n, scrypt_r, scrypt_p));
    if (!plain || !algorithm) return openssl_failure();
    const SealedHandle sealed(
        PKCS8_set0_pbe(text.data(), static_cast<int>(text.size()), plain.get(), algorithm.get()));
    if (!sealed) return openssl_failure();
    (void)algorithm.release();  // the sealed key has it now
    const BioHandle bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_PKCS8(bio.get(), sealed.get()) != 1) return openssl_failure();
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(size)) + root.certificate_pem();
}

Result<Authority> open_root(std::string_view file, const crypto::Secret& passphrase) {
    const auto refuse = [](std::string_view reason, const char* detail) {
        ERR_clear_error();
        return fail(ErrorKind::invalid_argument, reason, detail);
    };
    if (file.size() > offline_file_bytes_max || !file.contains("BEGIN ENCRYPTED PRIVATE KEY"))
        return refuse("ca.offline_file", "this is no file of ca init --offline-root");
    Passphrase typed{crypto::text_of(passphrase.bytes())};
    const BioHandle bio(BIO_new_mem_buf(file.data(), static_cast<int>(file.size())));
    const crypto::KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, type_in, &typed));
    if (!key) return refuse("ca.passphrase", "the passphrase does not open the file");
    auto certificates = crypto::read_certificates(file);
    if (!certificates)
        return refuse("ca.offline_file", "the root's certificate in the file cannot be read");
    auto both = crypto::to_pem(key.get());
    both += crypto::to_pem(certificates->front().get());
    const crypto::Secret secret(both);
    crypto::wipe(both.data(), both.size());
    return Authority::restore(secret);
}

}  // namespace gh::pki
