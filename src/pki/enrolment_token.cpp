#include "pki/enrolment_token.hpp"

#include "base/id.hpp"
#include "codec/base64.hpp"

namespace gh::pki {
namespace {

constexpr std::string_view prefix = "ghe_";
constexpr std::size_t id_size = 36;

std::string message_of(std::string_view id) { return "enrolment token " + std::string(id); }

}  // namespace

std::string enrolment_token(const crypto::HmacKey& key, std::string_view id) {
    const auto code = key.code_of(message_of(id));
    std::string token(prefix);
    token += id;
    token += '_';
    return token + codec::encode_base64url(crypto::text_of(code.bytes()));
}

std::optional<std::string> id_of_token(const crypto::HmacKey& key, std::string_view token) {
    if (token.size() != enrolment_token_bytes || !token.starts_with(prefix)) return {};
    const auto id = token.substr(prefix.size(), id_size);
    if (!time_of_uuid_v7(id) || token[prefix.size() + id_size] != '_') return {};
    const auto code = codec::decode_base64url(token.substr(prefix.size() + id_size + 1));
    if (!code) return {};
    const auto message = message_of(id);
    if (!key.verify(crypto::bytes_of(message), crypto::bytes_of(*code))) return {};
    return std::string(id);
}

}  // namespace gh::pki
