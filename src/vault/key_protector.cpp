#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/burned.hpp"
#include "crypto/secret_space.hpp"
#include "crypto/xaes.hpp"
#include "vault/wrapping.hpp"

// Protectors whose key is random already, wherever it comes from.

namespace gh::vault {
namespace {

using crypto::Secret;

constexpr std::size_t key_bytes = crypto::Xaes::key_bytes;
constexpr std::size_t key_text_bytes_max = 256;
constexpr std::string_view how_to_make_one = "openssl rand -base64 32";

class KeyProtector final : public Protector {
 public:
    using Load = std::function<Result<Secret>()>;
    KeyProtector(std::string name, Load load) : name_(std::move(name)), load_(std::move(load)) {}

    /// One for all: where the key comes from may change, and the seal need not.
    [[nodiscard]] std::string_view kind() const override { return "key"; }
    [[nodiscard]] std::string name() const override { return name_; }
    Result<Recipient> wrap(const Secret& master) override {
        GH_TRY(auto key, load());
        Recipient recipient;
        recipient.kind = kind();
        return wrap_with(std::move(key), std::move(recipient), master);
    }
    Result<Secret> unwrap(const Recipient& recipient) override {
        GH_TRY(auto key, load());
        return unwrap_with(std::move(key), recipient, name_);
    }

 private:
    Result<Secret> load() {
        auto key = load_();
        if (!key) key.error().detail = name_ + ": " + key.error().detail;
        return key;
    }

    std::string name_;
    Load load_;
};

Result<std::string> decode_key(std::string_view text) {
    if (text.size() == 2 * key_bytes) return codec::decode_hex(text);
    if (text.size() == 44 && text.ends_with('=')) {
        if (auto decoded = codec::decode_base64(text)) return decoded;
        text.remove_suffix(1);
    }
    return codec::decode_base64url(text);
}

enum class Reach : std::uint8_t { owner, group_reads };

Result<void> check_private(int fd, Reach reach) {
    struct stat facts{};
    if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
        return fail(ErrorKind::invalid_argument, "seal.key_malformed", "it is no file");
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid()) {
        return fail(ErrorKind::permission_denied, "seal.key_owner",
                    "it belongs to user " + std::to_string(facts.st_uid) +
                        ", who can change it, and this process runs as " +
                        std::to_string(::geteuid()) + ": run it as that user, or chown the file");
    }
    const mode_t others = reach == Reach::owner ? S_IRWXG | S_IRWXO : S_IWGRP | S_IXGRP | S_IRWXO;
    if ((facts.st_mode & others) == 0) return {};
    return fail(ErrorKind::permission_denied, "seal.key_open_to_others",
                "it can be reached by group or others: chmod 600, and replace the key if someone "
                "may have read it");
}

Result<Secret> read_key_file(const std::filesystem::path& path, Reach reach) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file && errno == ENOENT) {
        return fail(
            ErrorKind::not_found, "seal.key_missing",
            "is not there; put it back, or, for a vault that is yet to be made: (umask 077; " +
                std::string(how_to_make_one) + " > " + path.string() + ")");
    }
    if (!file)
        return fail_errno(ErrorKind::unavailable, "seal.key_missing", "cannot be read", errno);
    GH_TRY_VOID(check_private(file.get(), reach));
    GH_TRY(auto text, read_file(file, key_text_bytes_max));
    auto key = parse_key(text);
    crypto::wipe(text.data(), text.size());
    return key;
}

std::unexpected<Error> not_in_keyring(int error_number) {
    return fail_errno(ErrorKind::not_found, "seal.key_missing",
                      "is not there; add it: " + std::string(how_to_make_one) +
                          " | keyctl padd user DESCRIPTION @u",
                      error_number);
}

Result<Secret> read_kernel_key(const std::string& description) {
    // What the user's keyring holds is ours to read once this process possesses it.
    ::syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING);
    const auto id = ::syscall(SYS_request_key, "user", description.c_str(), nullptr, 0);
    if (id < 0) return not_in_keyring(errno);
    crypto::SecretSpace text(key_text_bytes_max);
    const auto size = ::syscall(SYS_keyctl, KEYCTL_READ, id, text.data(), text.size());
    if (size < 0) return not_in_keyring(errno);
    if (static_cast<std::size_t>(size) > text.size())
        return fail(ErrorKind::invalid_argument, "seal.key_malformed", "it is too long for a key");
    return parse_kernel_key(crypto::text_of(text.bytes().first(static_cast<std::size_t>(size))));
}

std::unexpected<Error> no_credentials(const std::string& name) {
    return fail(ErrorKind::not_found, "seal.key_missing",
                "CREDENTIALS_DIRECTORY is not set, as systemd sets it for a service with "
                "LoadCredentialEncrypted=; from a shell: systemd-run --pty --wait -p "
                "LoadCredentialEncrypted=" +
                    name + ":/etc/credstore.encrypted/" + name + " gatehouse ...");
}

}  // namespace

Result<Secret> parse_key(std::string_view text) {
    text = trimmed(text);
    GH_TRY_VOID(crypto::check_secret_strength(text, 0));
    auto decoded = decode_key(text);
    if (!decoded || decoded->size() != key_bytes) {
        return fail(ErrorKind::invalid_argument, "seal.key_malformed",
                    "a key is 32 random bytes as base64 or hex: " + std::string(how_to_make_one));
    }
    Secret key(*decoded);
    crypto::wipe(decoded->data(), decoded->size());
    GH_TRY_VOID(crypto::check_secret_strength(crypto::text_of(key.bytes()), key_bytes));
    return key;
}

Result<Secret> parse_kernel_key(std::string_view payload) {
    if (payload.size() != key_bytes) return parse_key(payload);
    if (codec::decode_hex(payload)) {
        return fail(ErrorKind::invalid_argument, "seal.key_malformed",
                    "it is 32 hex digits, so 16 bytes only; a key is 32 random bytes: " +
                        std::string(how_to_make_one));
    }
    GH_TRY_VOID(crypto::check_secret_strength(payload, key_bytes));
    return Secret(payload);
}

std::unique_ptr<Protector> key_file_protector(std::filesystem::path file) {
    auto name = "the key file " + file.string();
    return std::make_unique<KeyProtector>(
        std::move(name), [file = std::move(file)] { return read_key_file(file, Reach::owner); });
}

std::unique_ptr<Protector> credential_protector(std::optional<std::filesystem::path> folder,
                                                const std::string& name) {
    return std::make_unique<KeyProtector>(
        "the credential " + name, [folder = std::move(folder), name]() -> Result<Secret> {
            if (!folder) return no_credentials(name);
            return read_key_file(*folder / name, Reach::group_reads);
        });
}

std::unique_ptr<Protector> key_protector(std::string_view text) {
    auto kept = std::make_shared<Secret>(text);
    return std::make_unique<KeyProtector>("the configured key", [kept = std::move(kept)] {
        return parse_key(crypto::text_of(kept->bytes()));
    });
}

std::unique_ptr<Protector> kernel_keyring_protector(std::string description) {
    auto name = "the key \"" + description + "\" of the kernel's keyring";
    return std::make_unique<KeyProtector>(std::move(name), [description = std::move(description)] {
        return read_kernel_key(description);
    });
}

}  // namespace gh::vault
