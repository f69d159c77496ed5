#include "crypto/digest.hpp"

#include "crypto/openssl.hpp"

namespace gh::crypto {
namespace {

void begin(EVP_MD_CTX* context) {
    must(EVP_DigestInit_ex2(context, methods().sha256, nullptr) == 1, "starting SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    must(context_ != nullptr, "making a digest");
    begin(context_.get());
}

Sha256::~Sha256() = default;

void Sha256::update(Bytes bytes) {
    must(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1, "hashing");
}

Sha256Digest Sha256::finish() {
    Sha256Digest digest;
    must(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1, "finishing SHA-256");
    begin(context_.get());
    return digest;
}

Sha256Digest sha256(Bytes bytes) {
    // One context a thread: making one costs as much as hashing a short text.
    thread_local Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

std::string sha256_hex(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(64);
    for (const auto byte : sha256(text)) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

}  // namespace gh::crypto
