#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "net/address.hpp"
#include "pki/acme/dns_message.hpp"

namespace gh::pki::acme {

/// Asks the DNS, and neither a hosts file nor search domains: what a certificate says must hold for all. Over UDP, and TCP
/// where an answer is long; on the loop that runs, so that one who does not answer keeps nobody else waiting.
class NameServer {
 public:
    /// @param resolver  as AcmeConfig has it; empty: those of /etc/resolv.conf, read for each question
    explicit NameServer(const std::string& resolver);

    /// A and AAAA, with `port`. One of the two that fails is passed over where the other has some.
    /// @return "acme.dns" where there is none, or nobody answers by the deadline
    [[nodiscard]] Task<Result<std::vector<net::Address>>> addresses(std::string name,
                                                                    std::uint16_t port,
                                                                    SteadyTime deadline) const;
    /// TXT, the strings of each record joined (RFC 1035 §3.3.14).
    [[nodiscard]] Task<Result<std::vector<std::string>>> texts(std::string name,
                                                               SteadyTime deadline) const;

 private:
    [[nodiscard]] Task<Result<std::vector<std::string>>> ask(std::string name, RecordType type,
                                                             SteadyTime deadline) const;
    [[nodiscard]] std::vector<net::Address> servers() const;

    std::vector<net::Address> configured_;
};

}  // namespace gh::pki::acme
