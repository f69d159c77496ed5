#include "crypto/sealed_stream.hpp"

#include <array>
#include <stdexcept>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "crypto/append_number.hpp"
#include "crypto/openssl.hpp"
#include "crypto/passphrase_key.hpp"

namespace gh::crypto {
namespace {

using Nonce = std::array<std::uint8_t, 12>;

std::uint32_t number_at(std::string_view text, std::size_t at) {
    std::uint32_t number = 0;
    for (const unsigned char octet : text.substr(at, 4)) number = number << 8 | octet;
    return number;
}

Nonce nonce_of(std::uint64_t number, bool last) {
    Nonce nonce{};
    for (std::size_t i = 0; i < 8; ++i) nonce[10 - i] = static_cast<std::uint8_t>(number >> 8 * i);
    nonce[11] = last ? 1 : 0;
    return nonce;
}

std::uint8_t* octets(std::string& text, std::size_t at) {
    return reinterpret_cast<std::uint8_t*>(text.data() + at);
}

int size_of(std::string_view text) { return static_cast<int>(text.size()); }

}  // namespace

Result<SealedStream> SealedStream::make(const Secret& passphrase) {
    std::array<std::uint8_t, salt_bytes> salt{};
    random_bytes(salt);
    const PassphraseCost cost;
    std::string header(magic);
    for (const auto number : {cost.memory_kib, cost.passes, cost.lanes})
        append_number(header, number, 4);
    header += text_of(salt);
    GH_TRY(auto key, passphrase_key(passphrase, text_of(salt), cost));
    return SealedStream(std::move(header), std::move(key));
}

Result<SealedStream> SealedStream::of_header(std::string_view header, const Secret& passphrase) {
    if (header.size() != header_bytes || !header.starts_with(magic))
        return fail(ErrorKind::corrupt, "sealed.header", "it does not begin as a sealed text does");
    const auto at = magic.size();
    const PassphraseCost cost{.memory_kib = number_at(header, at),
                              .passes = number_at(header, at + 4),
                              .lanes = number_at(header, at + 8)};
    if (!cost.bearable())
        return fail(ErrorKind::corrupt, "sealed.header", "its key would cost more than is allowed");
    GH_TRY(auto key, passphrase_key(passphrase, header.substr(at + 12), cost));
    return SealedStream(std::string(header), std::move(key));
}

void SealedStream::seal(std::string_view text, bool last, std::string& out) {
    if (text.size() > chunk_bytes || (!last && text.size() != chunk_bytes))
        throw std::logic_error("a chunk of another size");
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    const auto nonce = nonce_of(count_++, last);
    const auto begin = out.size();
    out.resize(begin + text.size() + tag_bytes);
    int done = 0;
    must(context &&
             EVP_EncryptInit_ex2(context.get(), methods().aes_256_gcm, key_.bytes().data(),
                                 nonce.data(), nullptr) == 1 &&
             EVP_EncryptUpdate(context.get(), nullptr, &done, bytes_of(header_).data(),
                               size_of(header_)) == 1 &&
             EVP_EncryptUpdate(context.get(), octets(out, begin), &done, bytes_of(text).data(),
                               size_of(text)) == 1 &&
             EVP_EncryptFinal_ex(context.get(), octets(out, begin + text.size()), &done) == 1 &&
             EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes,
                                 octets(out, begin + text.size())) == 1,
         "sealing a chunk");
}

Result<void> SealedStream::open(std::string_view sealed, bool last, std::string& out) {
    const auto bad = fail(ErrorKind::corrupt, "sealed.chunk",
                          "chunk " + std::to_string(count_) + " is not what was sealed");
    if (sealed.size() < tag_bytes || sealed.size() > sealed_chunk_bytes ||
        (!last && sealed.size() != sealed_chunk_bytes)) {
        return bad;
    }
    const auto text = sealed.substr(0, sealed.size() - tag_bytes);
    std::string tag(sealed.substr(text.size()));
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    const auto nonce = nonce_of(count_, last);
    const auto begin = out.size();
    out.resize(begin + text.size() + 1);  // an address also for no text
    int done = 0;
    must(context &&
             EVP_DecryptInit_ex2(context.get(), methods().aes_256_gcm, key_.bytes().data(),
                                 nonce.data(), nullptr) == 1 &&
             EVP_DecryptUpdate(context.get(), nullptr, &done, bytes_of(header_).data(),
                               size_of(header_)) == 1 &&
             EVP_DecryptUpdate(context.get(), octets(out, begin), &done, bytes_of(text).data(),
                               size_of(text)) == 1 &&
             EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag.data()) == 1,
         "opening a chunk");
    if (EVP_DecryptFinal_ex(context.get(), octets(out, begin + text.size()), &done) != 1) {
        clear_errors();
        wipe(out.data() + begin, text.size());
        out.resize(begin);
        return bad;
    }
    out.resize(begin + text.size());
    ++count_;
    return {};
}

}  // namespace gh::crypto
