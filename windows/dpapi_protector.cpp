#include "windows/dpapi_protector.hpp"

#include <string>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/xaes.hpp"
#include "vault/wrapping.hpp"
#include "windows/api.hpp"
#include "windows/system.hpp"

namespace gh::windows {
namespace {

using crypto::Secret;
using vault::Recipient;

/// No secret: what other programs of this user had Windows seal is not taken for ours.
constexpr std::string_view purpose = "gatehouse store 1";
constexpr std::string_view blob_name = "blob";
constexpr std::size_t blob_text_bytes_max = 1024;  // of any parameter of a recipient

DATA_BLOB blob_of(crypto::Bytes bytes) {
    return {static_cast<DWORD>(bytes.size()), const_cast<BYTE*>(bytes.data())};
}

/// What Windows made, wiped and freed.
class Made {
 public:
    Made() = default;
    Made(const Made&) = delete;
    Made& operator=(const Made&) = delete;
    ~Made() {
        crypto::wipe(blob_.pbData, blob_.cbData);
        ::LocalFree(blob_.pbData);
    }
    [[nodiscard]] DATA_BLOB* out() { return &blob_; }
    [[nodiscard]] crypto::Bytes bytes() const { return {blob_.pbData, blob_.cbData}; }

 private:
    DATA_BLOB blob_{};
};

Result<std::string> protect(const Secret& key) {
    auto in = blob_of(key.bytes());
    auto entropy = blob_of(crypto::bytes_of(purpose));
    Made made;
    if (::CryptProtectData(&in, L"gatehouse-secrets", &entropy, nullptr, nullptr,
                           CRYPTPROTECT_UI_FORBIDDEN, made.out()) == 0) {
        return fail_windows(ErrorKind::unavailable, "dpapi.failed", "Windows could not seal a key",
                            ::GetLastError());
    }
    auto text = codec::encode_base64(crypto::text_of(made.bytes()));
    if (text.size() <= blob_text_bytes_max) return text;
    return fail(ErrorKind::internal, "dpapi.failed", "Windows made more of a key than can be kept");
}

Result<Secret> unprotect(crypto::Bytes blob) {
    auto in = blob_of(blob);
    auto entropy = blob_of(crypto::bytes_of(purpose));
    Made made;
    if (::CryptUnprotectData(&in, nullptr, &entropy, nullptr, nullptr, CRYPTPROTECT_UI_FORBIDDEN,
                             made.out()) == 0) {
        return not_unprotected(::GetLastError());
    }
    return Secret(made.bytes());
}

class DpapiProtector final : public vault::Protector {
 public:
    [[nodiscard]] std::string_view kind() const override { return "dpapi"; }
    [[nodiscard]] std::string name() const override {
        return "Windows DPAPI for the user " + user_name();
    }
    Result<Recipient> wrap(const Secret& master) override {
        auto key = Secret::random(crypto::Xaes::key_bytes);
        GH_TRY(auto blob, protect(key));
        Recipient recipient;
        recipient.kind = kind();
        recipient.parameters.emplace_back(blob_name, std::move(blob));
        return vault::wrap_with(std::move(key), std::move(recipient), master);
    }
    Result<Secret> unwrap(const Recipient& recipient) override {
        const auto* text = recipient.parameter(blob_name);
        const auto blob = text ? codec::decode_base64(*text) : Result<std::string>();
        if (!text || !blob || blob->empty())
            return fail(ErrorKind::corrupt, "seal.malformed", "the recipient dpapi lacks its blob");
        GH_TRY(auto key, unprotect(crypto::bytes_of(*blob)));
        if (key.size() != crypto::Xaes::key_bytes) {
            return fail(ErrorKind::permission_denied, "seal.wrong_key",
                        name() + " opens another thing than a key");
        }
        return vault::unwrap_with(std::move(key), recipient, name());
    }
};

}  // namespace

std::unexpected<Error> not_unprotected(unsigned long error) {
    const bool refused = error == ERROR_INVALID_DATA || error == static_cast<DWORD>(NTE_BAD_DATA) ||
                         error == static_cast<DWORD>(NTE_BAD_KEY);
    if (refused) {
        return fail(ErrorKind::permission_denied, "dpapi.refused",
                    "Windows says: " + message_of(error));
    }
    auto failed = fail_windows(ErrorKind::unavailable, "dpapi.failed",
                               "Windows could not open its key", error);
    failed.error().detail +=
        "; if this is the user that it is sealed for, the file may be good and the profile not "
        "loaded, or the domain out of reach: try again before anything else; if it is another "
        "one, or the password was reset, a recovery key opens it";
    return failed;
}

std::unique_ptr<vault::Protector> dpapi_protector() { return std::make_unique<DpapiProtector>(); }

}  // namespace gh::windows
