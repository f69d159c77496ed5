#include "agents/token.hpp"

#include <array>

#include "base/id.hpp"
#include "codec/base64.hpp"
#include "crypto/secret.hpp"

namespace gh::agents {
namespace {

constexpr std::string_view prefix = "gha_";
constexpr std::size_t id_size = 36;

}  // namespace

MadeToken make_token(SystemTime now) {
    std::array<std::uint8_t, 32> octets{};
    random_bytes(octets);
    MadeToken made{.id = std::string(view(uuid_v7(now))), .text = std::string(prefix), .hash = {}};
    made.text += made.id;
    made.text += '_';
    made.text += codec::encode_base64url(crypto::text_of(octets));
    crypto::wipe(octets.data(), octets.size());
    made.hash = crypto::sha256(made.text);
    return made;
}

std::optional<std::string> id_of_token(std::string_view text) {
    if (text.size() != refresh_token_bytes || !text.starts_with(prefix)) return {};
    const auto id = text.substr(prefix.size(), id_size);
    if (!time_of_uuid_v7(id) || text[prefix.size() + id_size] != '_') return {};
    return std::string(id);
}

bool is_hash_of(std::string_view octets, std::string_view text) {
    const auto hash = crypto::sha256(text);
    return crypto::constant_time_equal(crypto::bytes_of(octets), crypto::Bytes(hash));
}

}  // namespace gh::agents
