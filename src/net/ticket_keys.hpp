#pragma once

#include <openssl/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::net {

/// Keys of TLS session tickets (RFC 5077 §4, RFC 8446 §4.6.1): made at start, never written down, shared by all workers.
/// A ticket is sealed with the newest key and opened with the newest or the one before, so it lives at most two turns.
class TicketKeys {
    struct Key;
    struct Set;

 public:
    static constexpr std::chrono::seconds rotation{12 * 3600};

    explicit TicketKeys(std::shared_ptr<const Set> first);  // for make(): nobody else has a Set
    /// @return `internal` "tls.random"
    [[nodiscard]] static Result<std::shared_ptr<TicketKeys>> make(SystemTime now);

    /// Call it from one thread, say every minute. @return whether a new key was made (after `rotation`)
    [[nodiscard]] Result<bool> rotate_if_due(SystemTime now);

    /// What SSL_CTX_set_tlsext_ticket_key_evp_cb wants of us; from any thread.
    /// @return -1 failed, 0 no such key, 1 done, 2 done and the peer is to get a new ticket
    [[nodiscard]] int seal(std::span<unsigned char, 16> key_name, std::span<unsigned char> iv,
                           EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const;
    /// @param renew  ask for a new ticket even if this one was sealed with the newest key
    [[nodiscard]] int open(std::span<const unsigned char, 16> key_name,
                           std::span<const unsigned char> iv, EVP_CIPHER_CTX* cipher,
                           EVP_MAC_CTX* mac, bool renew) const;

 private:
    [[nodiscard]] std::shared_ptr<const Set> current() const;

    mutable std::mutex mutex_;  // to copy or swap a pointer, once a handshake
    std::shared_ptr<const Set> set_;
};

}  // namespace gh::net
