#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

// What a CA says, each function for one document of RFC 8555. All are pure; members they do not know are passed over, and
// what is missing, of a wrong type or too large is `corrupt` "acme_client.malformed".

namespace gh::pki::acme_client {

inline constexpr std::size_t document_bytes_max = 128 * 1024;
inline constexpr std::size_t url_bytes_max = 2048;
inline constexpr std::size_t token_bytes_max = 256;
inline constexpr std::size_t authorizations_max = 100;
inline constexpr std::size_t problem_text_bytes_max = 1024;

/// A problem document (RFC 7807), as far as a client acts upon it and its operator wants to know.
struct Problem {
    std::string
        type;  ///< "badNonce": behind urn:ietf:params:acme:error:, whole where it is another
    std::string detail;  ///< printable, at most problem_text_bytes_max
    /// "rejectedIdentifier: a.example: not in our zone": with the first of its subproblems
    [[nodiscard]] std::string text() const;
};
/// Whatever came: what cannot be read has an empty type.
[[nodiscard]] Problem read_problem(std::string_view json);

/// §7.1.1
struct Directory {
    std::string new_nonce, new_account, new_order;
    std::string renewal_info;  ///< RFC 9773 §4.1; empty: there is none
    bool external_account_required = false;
    std::string terms;  ///< of service; empty: there are none
};
[[nodiscard]] Result<Directory> read_directory(std::string_view json);

enum class Standing : std::uint8_t { pending, processing, ready, valid, invalid };

/// §7.1.3
struct Order {
    Standing standing{};
    std::vector<std::string> authorizations;
    std::string finalize;
    std::string certificate;  ///< empty before it is valid
    Problem problem;          ///< of one that is invalid
};
[[nodiscard]] Result<Order> read_order(std::string_view json);

/// §7.1.4, §8
struct Authorization {
    std::string name;
    Standing standing{};
    struct Challenge {
        std::string type, url, token;
        Problem problem;
    };
    std::vector<Challenge> challenges;  ///< of the kinds that have a token

    [[nodiscard]] const Challenge* find(std::string_view type) const;
    /// The first of a challenge.
    [[nodiscard]] Problem problem() const;
};
[[nodiscard]] Result<Authorization> read_authorization(std::string_view json);

/// When the CA would like a certificate to be renewed (RFC 9773 §4.2).
struct RenewalWindow {
    SystemTime start, end;
    friend bool operator==(const RenewalWindow&, const RenewalWindow&) = default;
};
[[nodiscard]] Result<RenewalWindow> read_renewal_window(std::string_view json);

/// The moment a Retry-After names (RFC 9110 §10.2.3): seconds, or a date; at most a day from now.
/// @return nothing for what is neither
[[nodiscard]] std::optional<seconds> read_retry_after(std::string_view value, SystemTime now);

}  // namespace gh::pki::acme_client
