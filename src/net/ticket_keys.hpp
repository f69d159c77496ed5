#pragma once

#include <openssl/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::net {

/// Keys of TLS session tickets (RFC 5077 §4, RFC 8446 §4.6.1): made at start, never written down, shared by all workers.
/// A ticket is sealed with the newest key and opened with the newest or the one before, so it lives at most two turns.
class TicketKeys {
 public:
    static constexpr std::chrono::seconds rotation{12 * 3600};

    /// @return `internal` "tls.random"
    [[nodiscard]] static Result<std::shared_ptr<TicketKeys>> make(SystemTime now);

    /// Call it from one thread, now and then. @return whether a new key was made (after `rotation`)
    [[nodiscard]] Result<bool> rotate_if_due(SystemTime now);

    struct Key;
    struct Set;
    /// For the handshake: consistent while held, from any thread.
    [[nodiscard]] std::shared_ptr<const Set> current() const { return set_.load(); }

    /// What SSL_CTX_set_tlsext_ticket_key_evp_cb wants of us.
    /// @return -1 failed, 0 no such key, 1 done, 2 done and the peer needs a new ticket
    [[nodiscard]] int seal(std::span<unsigned char, 16> key_name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                           EVP_MAC_CTX* mac) const;
    [[nodiscard]] int open(std::span<const unsigned char, 16> key_name, const unsigned char* iv,
                           EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool renew) const;

 private:
    explicit TicketKeys(std::shared_ptr<const Set> first);
    std::atomic<std::shared_ptr<const Set>> set_;
};

}  // namespace gh::net
