#include "crypto/hmac.hpp"

#include <openssl/core_names.h>

#include <atomic>
#include <utility>

#include "crypto/openssl.hpp"

namespace gh::crypto {
namespace {

std::atomic<std::uint64_t> next_serial{1};

struct Keyed {
    MacContextPtr context;
    std::uint64_t serial = 0;  ///< of the key it was last given
};

const char* name_of(HmacHash hash) {
    switch (hash) {
        case HmacHash::sha256: return "SHA256";
        case HmacHash::sha384: return "SHA384";
        case HmacHash::sha512: return "SHA512";
    }
    std::unreachable();
}

/// This thread's context for `hash`, ready for a message under the key.
EVP_MAC_CTX* ready(HmacHash hash, std::uint64_t serial, Bytes key) {
    thread_local std::array<Keyed, 3> contexts;
    auto& keyed = contexts[std::to_underlying(hash)];
    if (!keyed.context) {
        keyed.context.reset(EVP_MAC_CTX_new(methods().hmac));
        must(keyed.context != nullptr, "making an HMAC");
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                             const_cast<char*>(name_of(hash)), 0),
            OSSL_PARAM_construct_end(),
        };
        must(EVP_MAC_CTX_set_params(keyed.context.get(), params) == 1,
             "choosing the hash of an HMAC");
    }
    const bool known = keyed.serial == serial;
    keyed.serial = 0;
    // An empty key still needs an address: null would mean "the key from before".
    static constexpr std::uint8_t none = 0;
    const auto* data = known ? nullptr : key.empty() ? &none : key.data();
    must(EVP_MAC_init(keyed.context.get(), data, known ? 0 : key.size(), nullptr) == 1,
         "keying an HMAC");
    keyed.serial = serial;
    return keyed.context.get();
}

}  // namespace

std::size_t code_bytes(HmacHash hash) {
    switch (hash) {
        case HmacHash::sha256: return 32;
        case HmacHash::sha384: return 48;
        case HmacHash::sha512: return 64;
    }
    std::unreachable();
}

HmacKey::HmacKey(HmacHash hash, Secret key)
    : hash_(hash),
      serial_(next_serial.fetch_add(1, std::memory_order_relaxed)),
      key_(std::move(key)) {}

HmacCode HmacKey::code_of(Bytes message) const {
    auto* context = ready(hash_, serial_, key_.bytes());
    HmacCode code;
    must(EVP_MAC_update(context, message.data(), message.size()) == 1 &&
             EVP_MAC_final(context, code.data.data(), &code.size, code.data.size()) == 1,
         "computing an HMAC");
    return code;
}

bool HmacKey::verify(Bytes message, Bytes code) const {
    return constant_time_equal(code_of(message).bytes(), code);
}

}  // namespace gh::crypto
