#include "crypto/hashing.hpp"

#include <openssl/core_names.h>

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/openssl.hpp"
#include "crypto/signature.hpp"

namespace gh::crypto {
namespace {

struct Named {
    Hash hash;
    std::string_view name;
    const char* method;
};
constexpr std::array<Named, 8> all = {{{Hash::sha2_224, "sha2-224", "SHA224"},
                                       {Hash::sha2_256, "sha2-256", "SHA256"},
                                       {Hash::sha2_384, "sha2-384", "SHA384"},
                                       {Hash::sha2_512, "sha2-512", "SHA512"},
                                       {Hash::sha3_224, "sha3-224", "SHA3-224"},
                                       {Hash::sha3_256, "sha3-256", "SHA3-256"},
                                       {Hash::sha3_384, "sha3-384", "SHA3-384"},
                                       {Hash::sha3_512, "sha3-512", "SHA3-512"}}};

const Named& row_of(Hash hash) { return all.at(std::to_underlying(hash)); }

}  // namespace

std::string_view name_of(Hash hash) { return row_of(hash).name; }

std::optional<Hash> hash_named(std::string_view name) {
    const auto* const found = std::ranges::find(all, name, &Named::name);
    return found == all.end() ? std::nullopt : std::optional(found->hash);
}

EVP_MD* method_of(Hash hash) {
    // Never freed: threads that end late may still use them.
    static const auto fetched = [] {
        std::array<EVP_MD*, all.size()> methods{};
        for (const auto& each : all) {
            auto*& method = methods.at(std::to_underlying(each.hash));
            method = EVP_MD_fetch(nullptr, each.method, nullptr);
            must(method != nullptr, "fetching a hash");
        }
        return methods;
    }();
    return fetched.at(std::to_underlying(hash));
}

std::size_t digest_bytes(Hash hash) {
    return static_cast<std::size_t>(EVP_MD_get_size(method_of(hash)));
}

std::string digest_of(Hash hash, Bytes message) {
    auto* const method = method_of(hash);
    std::string digest(digest_bytes(hash), '\0');
    must(EVP_Digest(message.data(), message.size(), reinterpret_cast<unsigned char*>(digest.data()),
                    nullptr, method, nullptr) == 1,
         "hashing");
    return digest;
}

std::string hmac_of(Hash hash, const Secret& key, Bytes message) {
    const MacContextPtr context(EVP_MAC_CTX_new(methods().hmac));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         const_cast<char*>(row_of(hash).method), 0),
        OSSL_PARAM_construct_end(),
    };
    std::string code(static_cast<std::size_t>(EVP_MD_get_size(method_of(hash))), '\0');
    std::size_t size = 0;
    static constexpr std::uint8_t none = 0;  // null would mean that there is no key yet
    must(context &&
             EVP_MAC_init(context.get(), key.empty() ? &none : key.bytes().data(), key.size(),
                          params) == 1 &&
             EVP_MAC_update(context.get(), message.data(), message.size()) == 1 &&
             EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(code.data()), &size,
                           code.size()) == 1,
         "computing an HMAC");
    return code;
}

}  // namespace gh::crypto
