#include "crypto/aes_block.hpp"

#include <stdexcept>

#include "crypto/openssl.hpp"

namespace gh::crypto {

void encrypt_aes_256_blocks(const Secret& key, std::span<std::uint8_t> blocks) {
    if (key.bytes().size() != aes_256_key_bytes)
        throw std::logic_error("AES-256 wants a key of 32 bytes");
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    int done = 0;
    must(context &&
             EVP_EncryptInit_ex2(context.get(), methods().aes_256_ecb, key.bytes().data(), nullptr,
                                 nullptr) == 1 &&
             EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
             EVP_EncryptUpdate(context.get(), blocks.data(), &done, blocks.data(),
                               static_cast<int>(blocks.size())) == 1,
         "encrypting a block");
}

}  // namespace gh::crypto
