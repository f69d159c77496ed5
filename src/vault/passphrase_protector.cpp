#include <charconv>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/burned.hpp"
#include "vault/wrapping.hpp"

namespace gh::vault {
namespace {

using crypto::Secret;

constexpr std::size_t passphrase_bytes_min = 12;

/// `memory_kib` and the like, as they were written.
Result<std::uint32_t> number_parameter(const Recipient& recipient, std::string_view name) {
    std::uint32_t number = 0;
    const auto* text = recipient.parameter(name);
    if (text != nullptr) {
        const auto* const end = text->data() + text->size();
        const auto [read, error] = std::from_chars(text->data(), end, number);
        if (error == std::errc() && read == end) return number;
    }
    return fail(ErrorKind::corrupt, "seal.malformed",
                "the recipient passphrase lacks " + std::string(name));
}

class PassphraseProtector final : public Protector {
 public:
    PassphraseProtector(std::string_view passphrase, crypto::PassphraseCost cost)
        : passphrase_(passphrase), cost_(cost) {}

    [[nodiscard]] std::string_view kind() const override { return "passphrase"; }
    [[nodiscard]] std::string name() const override { return "the passphrase"; }
    Result<Recipient> wrap(const Secret& master) override {
        const auto text = crypto::text_of(passphrase_.bytes());
        if (auto strong = crypto::check_secret_strength(text, passphrase_bytes_min); !strong) {
            strong.error().detail = "vault.passphrase: " + strong.error().detail;
            return std::unexpected(std::move(strong).error());
        }
        const auto salt = Secret::random(crypto::passphrase_salt_bytes);
        const auto salt_text = crypto::text_of(salt.bytes());
        Recipient recipient;
        recipient.kind = kind();
        recipient.parameters = {{"salt", codec::encode_base64(salt_text)},
                                {"memory_kib", std::to_string(cost_.memory_kib)},
                                {"passes", std::to_string(cost_.passes)},
                                {"lanes", std::to_string(cost_.lanes)}};
        GH_TRY(auto key, crypto::passphrase_key(passphrase_, salt_text, cost_));
        return wrap_with(std::move(key), std::move(recipient), master);
    }
    Result<Secret> unwrap(const Recipient& recipient) override {
        GH_TRY(const auto salt, octets_parameter(recipient, "salt", crypto::passphrase_salt_bytes));
        crypto::PassphraseCost cost;
        GH_TRY(cost.memory_kib, number_parameter(recipient, "memory_kib"));
        GH_TRY(cost.passes, number_parameter(recipient, "passes"));
        GH_TRY(cost.lanes, number_parameter(recipient, "lanes"));
        if (!cost.bearable()) {
            return fail(ErrorKind::corrupt, "seal.malformed",
                        "the key of the passphrase would cost more than is allowed");
        }
        GH_TRY(auto key, crypto::passphrase_key(passphrase_, salt, cost));
        return unwrap_with(std::move(key), recipient, name());
    }

 private:
    Secret passphrase_;
    crypto::PassphraseCost cost_;
};

}  // namespace

std::unique_ptr<Protector> passphrase_protector(std::string_view passphrase,
                                                crypto::PassphraseCost cost) {
    return std::make_unique<PassphraseProtector>(passphrase, cost);
}

}  // namespace gh::vault
