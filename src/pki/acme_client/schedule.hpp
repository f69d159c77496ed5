#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "pki/acme_client/documents.hpp"

// When a certificate is renewed, and when a failure is followed by another try. Pure: clocks and chance are passed in.

namespace gh::pki::acme_client {

/// Two thirds into its life, and a little later for each, so that not all who began together return together.
/// @param chance  0 to 1
[[nodiscard]] SystemTime renewal_without_advice(SystemTime not_before, SystemTime not_after,
                                                double chance);

/// A moment of the window (RFC 9773 §4.2), never after the certificate's last ninth: advice must not let it run out.
[[nodiscard]] SystemTime renewal_within(const RenewalWindow& window, SystemTime not_before,
                                        SystemTime not_after, double chance);

/// How an attempt failed, as far as the next one depends on it.
enum class Failure : std::uint8_t {
    away,     ///< nobody answered: it may be there again in a moment
    refused,  ///< the CA said no, and counts how often it has to
    useless,  ///< it gave a certificate that cannot be used here: the next is much like it, and it counts those, too
};

/// Of errors of order and conversation.
[[nodiscard]] Failure kind_of(const Error& error);

/// After so many failures in a row: doubled each time, from 5 s to 15 min where the CA is away, a minute, and then from a quarter of an hour to 6 h where it
/// refuses, from 6 h to 2 days where what it gives is useless; a fifth more or less; and never sooner than it asks for.
/// @param failures     1 or more
/// @param retry_after  of its answer
[[nodiscard]] seconds pause_after(Failure failure, std::uint32_t failures,
                                  std::optional<seconds> retry_after, double chance);

}  // namespace gh::pki::acme_client
