#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "codec/jwk.hpp"

// What the server keeps (RFC 8555 §7.1).

namespace gh::pki::acme {

enum class Status : std::uint8_t { pending, ready, valid, invalid, deactivated, revoked };
/// "pending", ...
[[nodiscard]] std::string_view name_of(Status status);
/// One that name_of() has written.
[[nodiscard]] Status status_of(std::string_view name);

struct Account {
    std::string id;
    std::string thumbprint;
    codec::Jwk key;
    Status status = Status::valid;  ///< or deactivated, or revoked
    std::vector<std::string> contacts;
    std::optional<std::string> external_key_id;
    SystemTime created_at;
};

struct Order {
    std::string id;
    std::string account_id;
    Status status = Status::pending;  ///< any but the last two
    std::vector<std::string> names;
    std::string error;     ///< a problem document; empty: none
    std::string serial;    ///< of the certificate, once it is valid
    std::string replaces;  ///< which certificate it renews (RFC 9773 §4.1); empty: none said
    SystemTime created_at;
    SystemTime expires_at;

    /// What it is worth now: one whose time is over before it became valid is invalid.
    [[nodiscard]] Status standing(SystemTime now) const {
        return status != Status::valid && now >= expires_at ? Status::invalid : status;
    }
};

enum class ChallengeType : std::uint8_t { http_01, tls_alpn_01, dns_01 };
inline constexpr ChallengeType challenge_types[] = {
    ChallengeType::http_01, ChallengeType::tls_alpn_01, ChallengeType::dns_01};
/// "http-01", ...
[[nodiscard]] std::string_view name_of(ChallengeType type);
[[nodiscard]] std::optional<ChallengeType> challenge_type_of(std::string_view name);
/// Only a record of the name itself speaks for all below it.
[[nodiscard]] bool proves(ChallengeType type, std::string_view name);

struct Authorization {
    std::string id;
    std::string account_id;
    std::string order_id;
    std::string name;                 ///< with "*." where it is for a wildcard
    Status status = Status::pending;  ///< any but ready and revoked
    std::string token;
    std::optional<ChallengeType> tried;  ///< the challenge that was chosen
    std::optional<SystemTime> tried_at;
    std::optional<SystemTime> validated_at;
    std::string error;  ///< a problem document; empty: none
    SystemTime expires_at;

    /// Past its end it proves nothing.
    [[nodiscard]] Status standing(SystemTime now) const {
        return now >= expires_at && status != Status::deactivated ? Status::invalid : status;
    }
};

}  // namespace gh::pki::acme
