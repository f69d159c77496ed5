// What clients of transit send: ciphertexts and signatures as text, and bodies of every kind.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vault/transit/body.hpp"
#include "vault/transit/parcel.hpp"
#include "vault/transit/use.hpp"

namespace {

using namespace gh::vault::transit;

/// What was read is written as it was.
void check_parcel(std::string_view text, bool is_raw) {
    const auto parcel = parse_parcel(text, "ciphertext", is_raw);
    if (!parcel) return;
    if (parcel->version == 0) std::abort();
    if (text_of_parcel(parcel->version, parcel->octets, is_raw) != text) std::abort();
}

/// Whatever was asked for, there is an answer for each item; a check without a key finds nothing good.
void check_use_of(const Use& use) {
    if (use.items.empty() || use.items.size() > batch_items_max) std::abort();
    const Materials none;
    for (const auto type : {KeyType::aes256_gcm96, KeyType::ed25519, KeyType::hmac}) {
        KeyFacts facts;
        facts.key.type = type;
        facts.latest = 2;
        for (const auto verb : {Verb::encrypt, Verb::decrypt, Verb::rewrap, Verb::sign,
                                Verb::verify, Verb::hmac, Verb::verify_hmac}) {
            if (!check_use(facts, verb, use)) continue;
            const auto outcomes = carry_out(facts, verb, use, plan(facts, verb, use), none);
            if (outcomes.size() != use.items.size()) std::abort();
            for (const auto& each : outcomes) {
                if (each.error.empty() || each.valid) std::abort();
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_parcel(text, false);
    check_parcel(text, true);
    if (const auto use = parse_use(text)) check_use_of(*use);
    (void)parse_new_key("a", text);
    (void)parse_key_settings(text);
    (void)parse_trim(text);
    (void)parse_nothing(text);
    (void)parse_tool(text);
    if (check_key_name(text) && (text.contains('/') || text.size() > key_name_bytes_max))
        std::abort();
    return 0;
}
