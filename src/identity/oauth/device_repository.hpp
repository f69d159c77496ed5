#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/oauth/grant_repository.hpp"

// Devices that wait for their user's decision (RFC 8628). Inside a transaction of the caller's.

namespace gh::identity::oauth {

inline constexpr seconds device_lifetime{600};
inline constexpr seconds device_interval{5};
inline constexpr std::int64_t devices_max = 1'000;  ///< of one client, waiting at one time
inline constexpr std::size_t user_code_characters = 8;

/// Letters without vowels and without those that look alike: it spells no word, and 20^8 are too many to guess.
[[nodiscard]] std::string new_user_code();
/// As people type it: any case, with or without "-". Nothing for what can be no code.
[[nodiscard]] std::optional<std::string> read_user_code(std::string_view typed);
/// "BCDF-GHJK"
[[nodiscard]] std::string shown_user_code(std::string_view code);

struct NewDevice {
    MadeSecret secret;
    std::string user_code;
    std::string client_id;
    Portion portion;
};
/// @return false: there are `devices_max` already
[[nodiscard]] Task<Result<bool>> add_device(storage::Session& session, NewDevice device,
                                            SystemTime now);

/// A device that nobody has decided on.
struct WaitingDevice {
    std::string id;
    std::string client_id;
    Portion portion;
    SystemTime expires_at;
};
[[nodiscard]] Task<Result<std::optional<WaitingDevice>>> find_device(storage::Session& session,
                                                                     std::string user_code,
                                                                     SystemTime now);
/// @param grant_id  empty: the user refuses
/// @return false: somebody was faster
[[nodiscard]] Task<Result<bool>> decide_device(storage::Session& session, std::string id,
                                               std::string grant_id);

/// A device code, as the token endpoint gets it.
struct DeviceClaim {
    std::string text;
    std::string client_id;
};
/// Uses a device code that its user has agreed to; tells a device that asks too early to slow down.
[[nodiscard]] Task<Result<Claimed>> claim_device_code(storage::Session& session, DeviceClaim claim,
                                                      Wish wish, const ApiKeyHasher& hasher,
                                                      SystemTime now);

[[nodiscard]] Task<Result<std::uint64_t>> clean_devices(storage::Session& session, SystemTime now);

}  // namespace gh::identity::oauth
