#include "vault/transit/key.hpp"

#include <algorithm>
#include <utility>

namespace gh::vault::transit {
namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "transit.settings", std::move(detail));
}

std::string against_latest(std::string_view what, std::uint32_t wanted, std::uint32_t latest) {
    return "cannot set min " + std::string(what) + " version of " + std::to_string(wanted) +
           ", latest key version is " + std::to_string(latest);
}

}  // namespace

Result<void> check_key_name(std::string_view name) {
    const bool is_one =
        !name.empty() && name.size() <= key_name_bytes_max && is_word(name.front()) &&
        is_word(name.back()) &&
        std::ranges::all_of(name, [](char c) { return is_word(c) || c == '.' || c == '-'; });
    if (is_one) return {};
    return fail(ErrorKind::invalid_argument, "transit.name",
                "a key's name has 1 to 128 letters, digits and '_', and between them '.' and '-'");
}

Result<void> check_auto_rotate(seconds period) {
    if (period == seconds(0) || (period >= auto_rotate_min && period <= auto_rotate_max)) return {};
    return refuse("auto rotate period must be 0 to disable or at least an hour");
}

Result<KeyFacts> with_settings(KeyFacts facts, const KeySettings& wanted) {
    if (wanted.min_decryption) {
        facts.min_decryption = std::max(*wanted.min_decryption, 1U);
        if (facts.min_decryption > facts.latest)
            return refuse(against_latest("decryption", facts.min_decryption, facts.latest));
    }
    if (wanted.min_encryption) {
        facts.min_encryption = *wanted.min_encryption;
        if (facts.min_encryption > facts.latest)
            return refuse(against_latest("encryption", facts.min_encryption, facts.latest));
    }
    if (facts.min_encryption > 0 && facts.min_encryption < facts.min_decryption) {
        return refuse("cannot set min encryption/decryption values; min encryption version of " +
                      std::to_string(facts.min_encryption) +
                      " must be greater than or equal to min decryption version of " +
                      std::to_string(facts.min_decryption));
    }
    if (facts.min_available > facts.min_encryption || facts.min_available > facts.min_decryption) {
        return refuse(
            "min encryption and decryption versions should not be less than min available version");
    }
    facts.deletion_allowed = wanted.deletion_allowed.value_or(facts.deletion_allowed);
    facts.key.exportable = facts.key.exportable || wanted.becomes_exportable;
    facts.key.auto_rotate = wanted.auto_rotate.value_or(facts.key.auto_rotate);
    if (auto period = check_auto_rotate(facts.key.auto_rotate); !period)
        return std::unexpected(std::move(period).error());
    return facts;
}

Result<void> check_rotation(const KeyFacts& facts) {
    if (facts.latest - std::max(facts.min_available, 1U) + 1 < versions_max) return {};
    return fail(ErrorKind::conflict, "transit.too_many",
                "the key " + facts.key.name + " has 1000 versions: trim those that are not needed");
}

Result<KeyFacts> trimmed_to(KeyFacts facts, std::uint32_t available) {
    if (available == 0) return refuse("min available version should be positive");
    if (available < facts.min_available)
        return refuse("minimum available version cannot be decremented");
    if (facts.min_encryption == 0) {
        return refuse(
            "minimum available version cannot be set when minimum encryption version is not set");
    }
    if (available > facts.min_encryption) {
        return refuse("minimum available version cannot be higher than minimum encryption version");
    }
    if (available > facts.min_decryption) {
        return refuse("minimum available version cannot be higher than minimum decryption version");
    }
    facts.min_available = available;
    return facts;
}

}  // namespace gh::vault::transit
