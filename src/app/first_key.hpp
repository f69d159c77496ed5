#pragma once

#include <string>

#include "base/error.hpp"
#include "crypto/key_store.hpp"
#include "identity/config.hpp"

namespace gh::app {

struct FirstKey {
    identity::ApiKeyConfig config;  ///< what the gateway checks: a hash
    std::string text;               ///< the key itself, the first time only; empty afterwards
};

/// The API key of a house that was started without a configuration: made once, shown once, kept as a hash in the key
/// store. Role "user".
/// @return errors of the key store; `corrupt` "first_key.unreadable"
[[nodiscard]] Result<FirstKey> first_key(crypto::KeyStore& keys);

}  // namespace gh::app
