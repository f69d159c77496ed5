#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

// Questions to a name server and what it answers (RFC 1035). Pure.

namespace gh::pki::acme {

enum class RecordType : std::uint16_t { a = 1, txt = 16, aaaa = 28 };

/// A question of class IN, with recursion, that takes answers of 1232 octets over UDP (RFC 6891).
/// @return `invalid_argument` "acme.dns": a label of more than 63 octets or none, or a name of more than 253
[[nodiscard]] Result<std::string> dns_query(std::uint16_t id, std::string_view name,
                                            RecordType type);

struct DnsAnswer {
    enum class Kind : std::uint8_t {
        records,    ///< and be it none
        no_name,    ///< NXDOMAIN
        truncated,  ///< to be asked over TCP
        failure,    ///< the server cannot, does not want to, or says what nobody can read
    };
    Kind kind = Kind::failure;
    std::vector<std::string> data;  ///< of each record of the type that was asked for, as it came
};

/// At most 100 records; aliases on the way are passed over.
/// @return nothing: it is no answer to this question, and the right one may still come
[[nodiscard]] std::optional<DnsAnswer> read_dns_answer(std::string_view packet,
                                                       std::string_view query);

/// The name servers in the text of resolv.conf(5), at most three.
[[nodiscard]] std::vector<std::string> name_servers_in(std::string_view resolv_conf);

}  // namespace gh::pki::acme
