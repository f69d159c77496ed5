#include "vault/wrapping.hpp"

#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/hkdf.hpp"
#include "crypto/xaes.hpp"

namespace gh::vault {
namespace {

/// Kind and parameters, each with its length before it.
std::string associated_data(const Recipient& recipient) {
    std::string data = "gatehouse seal 1";
    const auto add = [&](std::string_view text) {
        data += ' ' + std::to_string(text.size()) + ':';
        data += text;
    };
    add(recipient.kind);
    for (const auto& [name, value] : recipient.parameters) {
        add(name);
        add(value);
    }
    return data;
}

}  // namespace

crypto::Secret derived_from(const crypto::Secret& master, std::string_view purpose) {
    return crypto::hkdf_sha256(master, {}, "gatehouse vault 1 " + std::string(purpose),
                               crypto::Xaes::key_bytes);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto begin = text.find_first_not_of(space);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

Result<Recipient> wrap_with(crypto::Secret key, Recipient recipient, const crypto::Secret& master) {
    GH_TRY(const auto xaes, crypto::Xaes::of_key(std::move(key)));
    recipient.sealed = xaes.seal(master.bytes(), crypto::bytes_of(associated_data(recipient)));
    return recipient;
}

Result<crypto::Secret> unwrap_with(crypto::Secret key, const Recipient& recipient,
                                   const std::string& who) {
    GH_TRY(const auto xaes, crypto::Xaes::of_key(std::move(key)));
    auto master =
        xaes.open(crypto::bytes_of(recipient.sealed), crypto::bytes_of(associated_data(recipient)));
    if (master) return master;
    return fail(ErrorKind::permission_denied, "seal.wrong_key",
                who +
                    " does not open the seal: it is another key than the one it is sealed for, or "
                    "keys/seal.json was changed; put the right one back, or move the seal to "
                    "another key: gatehouse secrets unseal --help");
}

Result<std::string> octets_parameter(const Recipient& recipient, std::string_view name,
                                     std::size_t size) {
    const auto* text = recipient.parameter(name);
    auto octets = text ? codec::decode_base64(*text) : Result<std::string>();
    if (text && octets && octets->size() == size) return octets;
    return fail(ErrorKind::corrupt, "seal.malformed",
                "the recipient " + recipient.kind + " lacks " + std::string(name));
}

}  // namespace gh::vault
