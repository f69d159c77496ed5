#include "pki/acme/dns_message.hpp"

#include <arpa/nameser.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pki/lower.hpp"

namespace gh::pki::acme {
namespace {

constexpr std::size_t head_bytes = 12;
constexpr std::size_t options_bytes = 11;  // at the end of our questions
constexpr std::size_t name_bytes_max = 253, label_bytes_max = 63;
constexpr int records_max = 100;
constexpr std::size_t servers_max = 3;

void append(std::string& out, std::uint16_t number) {
    out += static_cast<char>(number >> 8);
    out += static_cast<char>(number & 0xff);
}

/// The section that both have behind their heads.
std::string_view question_of(std::string_view query) {
    return query.substr(head_bytes, query.size() - head_bytes - options_bytes);
}

DnsAnswer records_in(const ns_msg& read, std::uint16_t type) {
    auto message = read;
    DnsAnswer answer{.kind = DnsAnswer::Kind::records, .data = {}};
    for (int i = 0; i < ns_msg_count(message, ns_s_an) && i < records_max; ++i) {
        ns_rr record{};
        if (::ns_parserr(&message, ns_s_an, i, &record) != 0) return {};
        if (ns_rr_type(record) != type || ns_rr_class(record) != ns_c_in) continue;
        answer.data.emplace_back(reinterpret_cast<const char*>(ns_rr_rdata(record)),
                                 ns_rr_rdlen(record));
    }
    return answer;
}

}  // namespace

Result<std::string> dns_query(std::uint16_t id, std::string_view name, RecordType type) {
    const auto refused = fail(ErrorKind::invalid_argument, "acme.dns", "the name is too long");
    if (name.size() > name_bytes_max) return refused;
    std::string query;
    for (const std::uint16_t each : {id, std::uint16_t{0x0100}, std::uint16_t{1}, std::uint16_t{0},
                                     std::uint16_t{0}, std::uint16_t{1}})
        append(query, each);
    for (std::string_view rest = name; !rest.empty();) {
        const auto label = rest.substr(0, rest.find('.'));
        if (label.empty() || label.size() > label_bytes_max) return refused;
        query += static_cast<char>(label.size());
        query += label;
        rest.remove_prefix(std::min(rest.size(), label.size() + 1));
    }
    query += '\0';
    append(query, std::to_underlying(type));
    append(query, ns_c_in);
    constexpr std::uint16_t options = 41, udp_bytes_max = 1232;
    query += '\0';
    append(query, options);
    append(query, udp_bytes_max);
    query.append(6, '\0');
    return query;
}

std::optional<DnsAnswer> read_dns_answer(std::string_view packet, std::string_view query) {
    const auto question = question_of(query);
    if (packet.size() < head_bytes + question.size() || packet.substr(0, 2) != query.substr(0, 2) ||
        lower(packet.substr(head_bytes, question.size())) != lower(question))
        return {};
    ns_msg message{};
    const auto* octets = reinterpret_cast<const unsigned char*>(packet.data());
    if (::ns_initparse(octets, static_cast<int>(packet.size()), &message) != 0)
        return DnsAnswer{};  // cut somewhere
    if (ns_msg_getflag(message, ns_f_qr) != 1 || ns_msg_count(message, ns_s_qd) != 1) return {};
    if (ns_msg_getflag(message, ns_f_tc) == 1)
        return DnsAnswer{.kind = DnsAnswer::Kind::truncated, .data = {}};
    const auto code = ns_msg_getflag(message, ns_f_rcode);
    if (code == ns_r_nxdomain) return DnsAnswer{.kind = DnsAnswer::Kind::no_name, .data = {}};
    if (code != ns_r_noerror) return DnsAnswer{};
    const auto type =
        static_cast<std::uint16_t>(static_cast<unsigned char>(question[question.size() - 4]) << 8 |
                                   static_cast<unsigned char>(question[question.size() - 3]));
    return records_in(message, type);
}

std::vector<std::string> name_servers_in(std::string_view resolv_conf) {
    constexpr std::string_view word = "nameserver", blanks = " \t\r";
    std::vector<std::string> servers;
    while (!resolv_conf.empty() && servers.size() < servers_max) {
        auto line = resolv_conf.substr(0, resolv_conf.find('\n'));
        resolv_conf.remove_prefix(std::min(resolv_conf.size(), line.size() + 1));
        if (!line.starts_with(word)) continue;
        line.remove_prefix(word.size());
        const auto begin = line.find_first_not_of(blanks);
        if (begin == 0 || begin == std::string_view::npos) continue;
        line.remove_prefix(begin);
        servers.emplace_back(line.substr(0, line.find_first_of(blanks)));
    }
    return servers;
}

}  // namespace gh::pki::acme
