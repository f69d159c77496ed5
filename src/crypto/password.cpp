#include "crypto/password.hpp"

#include <argon2.h>
#include <crypt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/utf8.hpp"

namespace gh::crypto {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t tag_bytes = 32;

using Salt = std::array<std::uint8_t, salt_bytes>;

Salt random_salt() {
    Salt salt;
    random_bytes(salt);
    return salt;
}

std::unexpected<Error> refuse(std::string_view reason, std::string detail) {
    return fail(ErrorKind::invalid_argument, reason, std::move(detail));
}

Result<void> check_password(const Secret& password) {
    if (password.empty()) return refuse("password.empty", "a password has at least one character");
    if (password.size() > password_bytes_max)
        return refuse("password.too_long", "a password has at most 1024 bytes");
    if (!codec::is_utf8(text_of(password.bytes())))
        return refuse("password.encoding", "a password is text in UTF-8");
    return {};
}

Result<void> check_for_bcrypt(const Secret& password) {
    if (password.size() > bcrypt_password_bytes_max)
        return refuse("password.too_long",
                      "bcrypt takes at most 72 bytes: choose a shorter password or Argon2id");
    if (text_of(password.bytes()).contains('\0'))
        return refuse("password.nul", "bcrypt takes no NUL: leave it out or choose Argon2id");
    return {};
}

/// The library wipes its working memory; the password is wiped by its owner.
Result<std::string> argon2id_tag(const Secret& password, const Argon2idHash& hash) {
    std::string tag(hash.tag.size(), '\0');
    auto salt = hash.salt;
    argon2_context context{};
    context.out = reinterpret_cast<std::uint8_t*>(tag.data());
    context.outlen = static_cast<std::uint32_t>(tag.size());
    context.pwd =
        const_cast<std::uint8_t*>(password.bytes().data());  // only read: no flag to clear
    context.pwdlen = static_cast<std::uint32_t>(password.size());
    context.salt = reinterpret_cast<std::uint8_t*>(salt.data());
    context.saltlen = static_cast<std::uint32_t>(salt.size());
    context.t_cost = hash.passes;
    context.m_cost = hash.memory_kib;
    context.lanes = hash.lanes;
    context.threads = 1;  // the pool decides how many cores burn, not an imported hash
    context.version = ARGON2_VERSION_13;
    context.flags = ARGON2_DEFAULT_FLAGS;
    const int status = ::argon2id_ctx(&context);
    if (status == ARGON2_MEMORY_ALLOCATION_ERROR)
        return fail(ErrorKind::unavailable, "password.memory",
                    "Argon2id wants " + std::to_string(hash.memory_kib) + " KiB");
    if (status != ARGON2_OK)
        return fail(ErrorKind::internal, "password.argon2", ::argon2_error_message(status));
    return tag;
}

Result<std::string> hash_argon2id(const Secret& password) {
    const auto salt = random_salt();
    Argon2idHash hash{
        .memory_kib = argon2_memory_kib,
        .passes = argon2_passes,
        .lanes = argon2_lanes,
        .salt = std::string(text_of(salt)),
        .tag = std::string(tag_bytes, '\0'),
    };
    GH_TRY(hash.tag, argon2id_tag(password, hash));
    return to_text(hash);
}

/// Of the first 72 bytes, up to a NUL: callers refuse passwords that have more.
/// @return the whole hash as text, beginning with `setting`
Result<std::string> bcrypt_text(const Secret& password, const std::string& setting) {
    std::array<char, bcrypt_password_bytes_max + 1> phrase{};
    const auto bytes = password.bytes();
    std::ranges::copy(bytes.first(std::min(bytes.size(), bcrypt_password_bytes_max)),
                      phrase.begin());
    const auto data = std::make_unique<crypt_data>();
    const char* const text =
        ::crypt_rn(phrase.data(), setting.c_str(), data.get(), sizeof(crypt_data));
    Result<std::string> result = fail(ErrorKind::internal, "password.bcrypt", "crypt_rn() failed");
    if (text != nullptr) result = text;
    wipe(phrase.data(), phrase.size());
    wipe(data.get(), sizeof(crypt_data));
    return result;
}

Result<std::string> hash_bcrypt(const Secret& password) {
    const auto salt = random_salt();
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
    if (::crypt_gensalt_rn("$2b$", bcrypt_cost, reinterpret_cast<const char*>(salt.data()),
                           static_cast<int>(salt.size()), setting.data(),
                           static_cast<int>(setting.size())) == nullptr)
        return fail(ErrorKind::internal, "password.bcrypt", "crypt_gensalt_rn() failed");
    return bcrypt_text(password, setting.data());
}

Result<PasswordCheck> verify(const Secret& password, const Argon2idHash& hash,
                             PasswordScheme wanted) {
    GH_TRY(const auto tag, argon2id_tag(password, hash));
    const bool matches = constant_time_equal(tag, hash.tag);
    if (wanted == PasswordScheme::bcrypt)
        return PasswordCheck{matches, matches && check_for_bcrypt(password)};
    const bool weaker = hash.memory_kib < argon2_memory_kib ||
                        std::uint64_t{hash.memory_kib} * hash.passes <
                            std::uint64_t{argon2_memory_kib} * argon2_passes ||
                        hash.salt.size() < salt_bytes || hash.tag.size() < tag_bytes;
    return PasswordCheck{matches, matches && weaker};
}

Result<PasswordCheck> verify(const Secret& password, const BcryptHash& hash,
                             PasswordScheme wanted) {
    GH_TRY(const auto text, bcrypt_text(password, hash.setting));
    // Only the digest: libxcrypt clears the bits of the salt's last character that do not count.
    const auto digest = std::string_view(text).substr(std::min(text.size(), hash.setting.size()));
    const bool matches = constant_time_equal(digest, hash.digest) && check_for_bcrypt(password);
    const bool outdated = wanted != PasswordScheme::bcrypt || hash.cost < bcrypt_cost;
    return PasswordCheck{matches, matches && outdated};
}

}  // namespace

Result<std::string> hash_password(PasswordScheme scheme, const Secret& password) {
    GH_TRY_VOID(check_new_password(scheme, password));
    return scheme == PasswordScheme::argon2id ? hash_argon2id(password) : hash_bcrypt(password);
}

Result<void> check_new_password(PasswordScheme scheme, const Secret& password) {
    GH_TRY_VOID(check_password(password));
    return scheme == PasswordScheme::bcrypt ? check_for_bcrypt(password) : Result<void>{};
}

Result<PasswordCheck> verify_password(const Secret& password, std::string_view stored,
                                      PasswordScheme wanted) {
    GH_TRY(const auto parsed, parse_password_hash(stored));
    // At once, as it depends on nothing but what the caller sent.
    if (!check_password(password)) return PasswordCheck{};
    return std::visit([&](const auto& hash) { return verify(password, hash, wanted); }, parsed);
}

Result<std::string> decoy_hash(PasswordScheme scheme) {
    return hash_password(scheme, random_password());
}

Secret random_password() {
    constexpr std::string_view alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz";
    constexpr std::uint8_t fair =
        256 / alphabet.size() * alphabet.size();  // above, some come oftener
    std::array<char, 24> text;
    for (auto& c : text) {
        std::array<std::uint8_t, 1> byte;
        do random_bytes(byte);
        while (byte[0] >= fair);
        c = alphabet[byte[0] % alphabet.size()];
        wipe(byte.data(), byte.size());
    }
    Secret password(std::string_view(text.data(), text.size()));
    wipe(text.data(), text.size());
    return password;
}

}  // namespace gh::crypto
