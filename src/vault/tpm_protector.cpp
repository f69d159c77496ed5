#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/xaes.hpp"
#include "vault/tpm.hpp"
#include "vault/wrapping.hpp"

// The master key sealed with a random key, which a TPM has sealed.

namespace gh::vault {
namespace {

class TpmProtector final : public Protector {
 public:
    explicit TpmProtector(std::string device) : device_(std::move(device)) {}

    [[nodiscard]] std::string_view kind() const override { return "tpm"; }
    [[nodiscard]] std::string name() const override { return "the TPM " + device_; }
    Result<Recipient> wrap(const crypto::Secret& master) override {
        auto key = crypto::Secret::random(crypto::Xaes::key_bytes);
        GH_TRY(auto tpm, Tpm::open(device_));
        GH_TRY(const auto blob, tpm.seal(key));
        Recipient recipient;
        recipient.kind = kind();
        recipient.parameters = {{"public", codec::encode_base64(blob.public_part)},
                                {"private", codec::encode_base64(blob.private_part)}};
        return wrap_with(std::move(key), std::move(recipient), master);
    }
    Result<crypto::Secret> unwrap(const Recipient& recipient) override {
        Tpm::Blob blob;
        GH_TRY(blob.public_part, part(recipient, "public"));
        GH_TRY(blob.private_part, part(recipient, "private"));
        GH_TRY(auto tpm, Tpm::open(device_));
        GH_TRY(auto key, tpm.unseal(blob));
        return unwrap_with(std::move(key), recipient, name());
    }

 private:
    static Result<std::string> part(const Recipient& recipient, std::string_view name) {
        const auto* text = recipient.parameter(name);
        auto octets = text ? codec::decode_base64(*text) : Result<std::string>();
        if (text && octets && !octets->empty() && octets->size() <= Tpm::blob_bytes_max)
            return octets;
        return fail(ErrorKind::corrupt, "seal.malformed",
                    "the recipient tpm lacks " + std::string(name));
    }

    std::string device_;
};

}  // namespace

std::unique_ptr<Protector> tpm_protector(std::string device) {
    return std::make_unique<TpmProtector>(std::move(device));
}

}  // namespace gh::vault
