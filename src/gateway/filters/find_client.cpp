#include "gateway/filters/find_client.hpp"

#include <algorithm>

#include "gateway/exchange.hpp"
#include "http/characters.hpp"

namespace gh::gateway {
namespace {

constexpr std::size_t hops_max = 32;

bool is_trusted(const Snapshot& snapshot, const net::Address& address) {
    const auto octets = address.octets();
    return std::ranges::any_of(snapshot.trusted_proxies, [&](const net::AddressRange& range) {
        return range.contains(octets);
    });
}

/// The last element of a comma list, removed from it.
std::string_view take_last(std::string_view& list) {
    const auto comma = list.rfind(',');
    const auto last = comma == std::string_view::npos ? list : list.substr(comma + 1);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
    return http::trim(last);
}

/// Proxies write "192.0.2.1", "192.0.2.1:4711", "2001:db8::1" or "[2001:db8::1]:4711".
Result<net::Address> parse_element(std::string_view element) {
    if (element.starts_with('[')) {
        element = element.substr(1, element.find(']') - 1);
    } else if (std::ranges::count(element, ':') == 1) {
        element = element.substr(0, element.find(':'));
    }
    return net::Address::parse(element, 0);
}

/// Walks the lines from the nearest hop outwards as long as trusted proxies vouch for what stands before them.
void walk_back(Exchange& exchange) {
    std::vector<std::string_view> lines;
    for (const auto& field : exchange.request().fields) {
        if (field.id == http::FieldId::x_forwarded_for) lines.push_back(field.value);
    }
    std::size_t hops = 0;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        for (auto rest = *line; !rest.empty() && hops < hops_max; ++hops) {
            const auto address = parse_element(take_last(rest));
            if (!address) return;  // whoever wrote this is not to be believed any further
            exchange.client_address = *address;
            if (!is_trusted(*exchange.snapshot, *address)) return;
        }
    }
}

}  // namespace

Verdict FindClient::on_request(Exchange& exchange) {
    const auto& connection = exchange.client->connection();
    const auto& snapshot = *exchange.snapshot;
    if (snapshot.trusted_proxies.empty() || !is_trusted(snapshot, connection.peer))
        return Verdict::walk_on;

    exchange.peer_is_trusted = true;
    walk_back(exchange);
    if (!(exchange.client_address == connection.peer)) {
        exchange.client_ip = exchange.arena.copy(exchange.client_address.ip_text());
    }
    std::string_view
        proto;  // of the last line: what the proxy next to us says, not what it was told
    for (const auto& field : exchange.request().fields) {
        if (field.id == http::FieldId::x_forwarded_proto) proto = field.value;
    }
    proto = take_last(proto);
    if (!proto.empty()) exchange.client_encrypted = http::equals_ignoring_case(proto, "https");
    return Verdict::walk_on;
}

}  // namespace gh::gateway
