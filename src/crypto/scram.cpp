#include "crypto/scram.hpp"

#include "codec/base64.hpp"
#include "crypto/digest.hpp"
#include "crypto/hmac.hpp"
#include "crypto/openssl.hpp"
#include "crypto/secret_space.hpp"

namespace gh::crypto {
namespace {

constexpr std::size_t key_bytes = 32;

std::string base64(Bytes bytes) { return codec::encode_base64(text_of(bytes)); }

}  // namespace

std::string scram_verifier(const Secret& password, Bytes salt, std::uint32_t iterations) {
    SecretSpace salted(key_bytes);
    const auto text = text_of(password.bytes());
    must(PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), salt.data(),
                           static_cast<int>(salt.size()), static_cast<int>(iterations),
                           methods().sha256, static_cast<int>(salted.size()), salted.data()) == 1,
         "PKCS5_PBKDF2_HMAC");
    const HmacKey key(HmacHash::sha256, salted.secret());
    auto client = key.code_of(std::string_view("Client Key"));
    const auto stored = sha256(client.bytes());
    wipe(&client, sizeof client);
    const auto server = key.code_of(std::string_view("Server Key"));
    return "SCRAM-SHA-256$" + std::to_string(iterations) + ":" + base64(salt) + "$" +
           base64(stored) + ":" + base64(server.bytes());
}

}  // namespace gh::crypto
