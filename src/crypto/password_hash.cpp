#include "crypto/password_hash.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"

namespace gh::crypto {
namespace {

constexpr std::string_view argon2id_prefix = "$argon2id$v=19$";
constexpr std::size_t argon2_salt_bytes_min = 8, argon2_salt_bytes_max = 64;
constexpr std::size_t argon2_tag_bytes_min = 16, argon2_tag_bytes_max = 64;

constexpr std::string_view bcrypt_alphabet =
    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t bcrypt_setting_size = 29, bcrypt_digest_size = 31;

std::unexpected<Error> malformed(std::string detail) {
    return fail(ErrorKind::corrupt, "password.hash", std::move(detail));
}

std::unexpected<Error> out_of_bounds(std::string detail) {
    return fail(ErrorKind::invalid_argument, "password.hash_bounds", std::move(detail));
}

/// Takes what stands before `end`, and `end` itself, off `rest`.
Result<std::string_view> take_until(std::string_view& rest, char end) {
    const auto at = rest.find(end);
    if (at == std::string_view::npos) return malformed(std::string("\"") + end + "\" is missing");
    const auto taken = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    return taken;
}

/// `name=number` in decimal digits without leading zeros.
Result<std::uint32_t> parameter(std::string_view text, std::string_view name) {
    std::uint32_t value = 0;
    if (!text.starts_with(name)) return malformed(std::string(name) + " is missing");
    text.remove_prefix(name.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text[0] == '0')
        return malformed(std::string(name) + " is followed by no number");
    return value;
}

/// Base64 as the PHC format has it: of RFC 4648 §4, without padding.
Result<std::string> decode_phc(std::string_view text) {
    std::string padded(text);
    if (text.contains('=')) return malformed("padded base64");
    padded.append((4 - padded.size() % 4) % 4, '=');
    auto bytes = codec::decode_base64(padded);
    if (!bytes) return malformed("salt or tag is no base64");
    return *std::move(bytes);
}

std::string encode_phc(std::string_view bytes) {
    auto text = codec::encode_base64(bytes);
    text.resize(std::min(text.size(), text.find('=')));
    return text;
}

Result<void> check_bounds(const Argon2idHash& hash) {
    if (hash.lanes > argon2_lanes_max) return out_of_bounds("more than 255 lanes");
    if (hash.memory_kib < 8 * hash.lanes) return malformed("less memory than eight blocks a lane");
    if (hash.memory_kib > argon2_memory_kib_max)
        return out_of_bounds("more than 256 MiB of memory");
    if (std::uint64_t{hash.memory_kib} * hash.passes > argon2_memory_kib_by_passes_max)
        return out_of_bounds("memory times passes is more than 1 GiB");
    if (hash.salt.size() < argon2_salt_bytes_min || hash.salt.size() > argon2_salt_bytes_max)
        return out_of_bounds("the salt has less than 8 or more than 64 bytes");
    if (hash.tag.size() < argon2_tag_bytes_min || hash.tag.size() > argon2_tag_bytes_max)
        return out_of_bounds("the tag has less than 16 or more than 64 bytes");
    return {};
}

Result<PasswordHash> parse_argon2id(std::string_view rest) {
    Argon2idHash hash;
    GH_TRY(const auto memory, take_until(rest, ','));
    GH_TRY(hash.memory_kib, parameter(memory, "m="));
    GH_TRY(const auto passes, take_until(rest, ','));
    GH_TRY(hash.passes, parameter(passes, "t="));
    GH_TRY(const auto lanes, take_until(rest, '$'));
    GH_TRY(hash.lanes, parameter(lanes, "p="));
    GH_TRY(const auto salt, take_until(rest, '$'));
    GH_TRY(hash.salt, decode_phc(salt));
    GH_TRY(hash.tag, decode_phc(rest));
    GH_TRY_VOID(check_bounds(hash));
    return hash;
}

Result<PasswordHash> parse_bcrypt(std::string_view stored) {
    if (stored.size() != bcrypt_setting_size + bcrypt_digest_size)
        return malformed("a bcrypt hash has 60 characters");
    const auto digit = [&](std::size_t at) { return static_cast<std::uint32_t>(stored[at] - '0'); };
    if (digit(4) > 9 || digit(5) > 9 || stored[6] != '$') return malformed("bcrypt without a cost");
    BcryptHash hash{
        .cost = digit(4) * 10 + digit(5),
        .setting = std::string(stored.substr(0, bcrypt_setting_size)),
        .digest = std::string(stored.substr(bcrypt_setting_size)),
    };
    if (stored.find_first_not_of(bcrypt_alphabet, 7) != std::string_view::npos)
        return malformed("salt or digest is no base64 of bcrypt");
    // 23 bytes in 31 characters: with other bits in the last one, no password would ever match. The salt has such bits
    // too; there every implementation ignores them, and some have set them.
    if (bcrypt_alphabet.find(hash.digest.back()) % 4 != 0)
        return malformed("a bcrypt digest does not end so");
    if (hash.cost < 4 || hash.cost > 31) return malformed("bcrypt knows costs of 4 to 31");
    if (hash.cost > bcrypt_cost_max) return out_of_bounds("a bcrypt cost of more than 14");
    return hash;
}

}  // namespace

Result<PasswordHash> parse_password_hash(std::string_view stored) {
    if (stored.size() > stored_password_hash_bytes_max) return malformed("longer than 256 bytes");
    if (stored.starts_with(argon2id_prefix))
        return parse_argon2id(stored.substr(argon2id_prefix.size()));
    for (const std::string_view prefix : {"$2a$", "$2b$", "$2y$"}) {
        if (stored.starts_with(prefix)) return parse_bcrypt(stored);
    }
    return malformed("read are $argon2id$v=19$, $2a$, $2b$ and $2y$: set the password anew");
}

std::string to_text(const PasswordHash& hash) {
    if (const auto* bcrypt = std::get_if<BcryptHash>(&hash))
        return bcrypt->setting + bcrypt->digest;
    const auto& argon2id = std::get<Argon2idHash>(hash);
    return std::string(argon2id_prefix) + "m=" + std::to_string(argon2id.memory_kib) +
           ",t=" + std::to_string(argon2id.passes) + ",p=" + std::to_string(argon2id.lanes) + "$" +
           encode_phc(argon2id.salt) + "$" + encode_phc(argon2id.tag);
}

}  // namespace gh::crypto
