#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "vault/transit/body.hpp"
#include "vault/transit/material.hpp"
#include "vault/transit/parcel.hpp"

/// What is done with keys, text by text; pure but for random nonces.
namespace gh::vault::transit {

enum class Verb : std::uint8_t { encrypt, decrypt, rewrap, sign, verify, hmac, verify_hmac };

/// What one item needs, or why nothing comes of it.
struct Step {
    Parcel parcel;              ///< what is opened or checked; version 0: nothing
    std::uint32_t version = 0;  ///< what is made with; 0: nothing
    std::string error;          ///< for the client; empty: none
    bool is_ahead = false;      ///< it names a version that there is none of yet
};

/// What has become of it.
struct Outcome {
    std::string text;  ///< ciphertext, plaintext in base64, signature or HMAC
    std::uint32_t version = 0;
    bool valid = false;
    std::string public_key;  ///< that checks the signature, of a derived key
    std::string error;
};

/// Does the key do this at all, and is it asked as it has to be?
/// @return `invalid_argument` "transit.input", the detail is for the client
[[nodiscard]] Result<void> check_use(const KeyFacts& facts, Verb verb, const Use& use);
/// As many as there are items. What names versions that are not known (yet) has an error like any other.
[[nodiscard]] std::vector<Step> plan(const KeyFacts& facts, Verb verb, const Use& use);
/// @param materials  the versions that `steps` name, as far as they are there
[[nodiscard]] std::vector<Outcome> carry_out(const KeyFacts& facts, Verb verb, const Use& use,
                                             const std::vector<Step>& steps,
                                             const Materials& materials);

/// Of a data key, or of anything else that no client has sent.
[[nodiscard]] Result<std::string> encrypt_text(const KeyFacts& facts, const Material& material,
                                               std::uint32_t version, std::string_view context,
                                               std::string_view associated_data,
                                               std::string_view text);
/// Which version is made with. @return `invalid_argument` "transit.input"
[[nodiscard]] Result<std::uint32_t> version_to_use(const KeyFacts& facts, std::uint32_t wanted,
                                                   std::string_view what);

}  // namespace gh::vault::transit
