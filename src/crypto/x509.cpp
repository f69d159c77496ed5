#include "crypto/x509.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <span>

#include "codec/base64.hpp"
#include "crypto/digest.hpp"

namespace gh::crypto {
namespace {

struct FreeBio {
    void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
using BioHandle = std::unique_ptr<BIO, FreeBio>;

struct FreeNames {
    void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

/// One block between BEGIN and END; wiped, since any block may be a key.
struct PemBlock {
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;

    PemBlock() = default;
    PemBlock(const PemBlock&) = delete;
    PemBlock& operator=(const PemBlock&) = delete;
    ~PemBlock() {
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, static_cast<std::size_t>(size));
    }
};

BioHandle bio_over(std::string_view text) {
    return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Instead of OpenSSL's own, which would ask on the terminal.
int no_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

std::string text_written(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string hex(std::span<const unsigned char> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string_view view(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

bool printable_ascii(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (auto& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

std::string address_text(std::string_view octets) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = octets.size() == 4 ? AF_INET : AF_INET6;
    if (octets.size() != 4 && octets.size() != 16) return {};
    ::inet_ntop(family, octets.data(), text.data(), text.size());
    return text.data();
}

SystemTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return SystemTime::min();
    // RFC 5280 §4.1.2.5 allows the year 9999, which nanoseconds in 64 bits do not reach.
    const std::chrono::seconds since_epoch{::timegm(&parts)};
    constexpr auto last =
        std::chrono::floor<std::chrono::seconds>(SystemTime::max().time_since_epoch());
    constexpr auto first =
        std::chrono::ceil<std::chrono::seconds>(SystemTime::min().time_since_epoch());
    return SystemTime{std::clamp(since_epoch, first, last)};
}

}  // namespace

void FreeX509::operator()(X509* certificate) const noexcept { X509_free(certificate); }
void FreeKey::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }

Result<std::vector<X509Handle>> read_certificates(std::string_view pem) {
    if (pem.size() > pem_bytes_max)
        return fail(ErrorKind::invalid_argument, "certificate.too_long");
    const auto malformed = [] {
        return fail(ErrorKind::invalid_argument, "certificate.malformed", take_openssl_errors());
    };
    std::vector<X509Handle> certificates;
    const auto bio = bio_over(pem);
    for (;;) {
        PemBlock block;
        if (PEM_read_bio(bio.get(), &block.label, &block.header, &block.data, &block.size) != 1) {
            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) return malformed();
            ERR_clear_error();
            break;
        }
        const std::string_view label = block.label;
        if (label != PEM_STRING_X509 && label != PEM_STRING_X509_OLD) continue;
        if (certificates.size() == pem_certificates_max) {
            return fail(ErrorKind::invalid_argument, "certificate.too_long");
        }
        const unsigned char* at = block.data;
        X509Handle certificate(d2i_X509(nullptr, &at, block.size));
        if (!certificate || at != block.data + block.size) return malformed();
        certificates.push_back(std::move(certificate));
    }
    if (certificates.empty()) return fail(ErrorKind::invalid_argument, "certificate.missing");
    return certificates;
}

Result<KeyHandle> read_private_key(std::string_view pem) {
    if (pem.size() > pem_bytes_max) return fail(ErrorKind::invalid_argument, "key.too_long");
    if (!pem.contains("PRIVATE KEY-----")) return fail(ErrorKind::invalid_argument, "key.missing");
    const auto bio = bio_over(pem);
    bool passphrase_asked = false;
    KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &passphrase_asked));
    if (key) {
        ERR_clear_error();
        return key;
    }
    const auto errors = take_openssl_errors();
    if (passphrase_asked) {
        return fail(ErrorKind::invalid_argument, "key.encrypted",
                    "keys with a passphrase are not read");
    }
    return fail(ErrorKind::invalid_argument, "key.malformed", errors);
}

std::string to_der(const X509* certificate) {
    const int size = i2d_X509(certificate, nullptr);
    std::string der(static_cast<std::size_t>(std::max(size, 0)), '\0');
    auto* at = reinterpret_cast<unsigned char*>(der.data());
    if (size > 0) i2d_X509(certificate, &at);
    return der;
}

std::string to_pem(const X509* certificate) { return certificate_pem(to_der(certificate)); }

std::string certificate_pem(std::string_view der) {
    constexpr std::size_t line_characters = 64;  // RFC 7468 §2
    const auto text = codec::encode_base64(der);
    std::string pem = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t at = 0; at < text.size(); at += line_characters) {
        pem.append(text, at, line_characters);
        pem += '\n';
    }
    return pem += "-----END CERTIFICATE-----\n";
}

std::string to_pem(EVP_PKEY* key) {
    const BioHandle bio(BIO_new(BIO_s_secmem()));  // wipes itself
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return text_written(bio.get());
}

CertificateNames names_of(const X509* certificate) {
    CertificateNames result;
    const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        int type = 0;
        const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
        if (type != GEN_DNS && type != GEN_URI && type != GEN_IPADD) continue;
        const auto text = view(static_cast<const ASN1_STRING*>(value));
        if (type == GEN_IPADD) {
            if (auto address = address_text(text); !address.empty()) {
                result.addresses.push_back(std::move(address));
            }
        } else if (printable_ascii(text)) {
            auto& list = type == GEN_DNS ? result.dns : result.uris;
            list.push_back(type == GEN_DNS ? lower(text) : std::string(text));
        }
    }
    return result;
}

std::string common_name_of(const X509* certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return {};
    unsigned char* utf8 = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) {
        ERR_clear_error();
        return {};
    }
    std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; };
    return std::ranges::any_of(text, control) ? std::string() : text;
}

std::string distinguished_name_of(const X509* certificate) {
    const BioHandle bio(BIO_new(BIO_s_mem()));
    if (!bio) throw std::bad_alloc();
    // Controls and what is not ASCII are written as escapes.
    if (X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
        ERR_clear_error();
        return {};
    }
    return text_written(bio.get());
}

SystemTime not_before_of(const X509* certificate) {
    return time_of(X509_get0_notBefore(certificate));
}
SystemTime not_after_of(const X509* certificate) {
    return time_of(X509_get0_notAfter(certificate));
}

std::string fingerprint_of(const X509* certificate) { return sha256_hex(to_der(certificate)); }

std::string serial_of(const X509* certificate) {
    const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(serial));
    return hex({ASN1_STRING_get0_data(serial), size});
}

std::string key_id_of(const X509* certificate) {
    const auto* id = X509_get0_subject_key_id(const_cast<X509*>(certificate));
    if (id == nullptr) return {};
    return hex({ASN1_STRING_get0_data(id), static_cast<std::size_t>(ASN1_STRING_length(id))});
}

std::string take_openssl_errors() {
    constexpr std::size_t lines_max = 4;
    std::string text;
    const char* data = nullptr;
    int flags = 0;
    for (std::size_t line = 0; line < lines_max; ++line) {
        const auto code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags);
        if (code == 0) break;
        if (!text.empty()) text += "; ";
        const char* reason = ERR_reason_error_string(code);
        text += reason != nullptr ? reason : "error without a name";
        if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') {
            text += " (";
            text += data;
            text += ')';
        }
    }
    ERR_clear_error();
    return text.empty() ? "unknown" : text;
}

}  // namespace gh::crypto
