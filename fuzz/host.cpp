// Hosts, addresses and blocks that passed have one spelling, and it reads as the same thing.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/host.hpp"
#include "codec/ip.hpp"

namespace {

using namespace gh::codec;

void demand(bool holds) {
    if (!holds) std::abort();
}

void check_host(std::string_view input) {
    const auto host = parse_host(input);
    if (!host) return;
    const std::string name(host->name());
    demand(!name.empty() && name.size() <= 253);
    demand(name.find_first_of(" @/\\?#%[]\r\n\tABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos);
    const bool bracket = host->address() && !host->address()->is_v4();
    demand(name.contains(':') == bracket);
    const auto text = bracket ? "[" + name + "]" : name;  // outlives what borrows from it
    const auto again = parse_host(text);
    demand(again && again->name() == name && again->address() == host->address() && !again->port());
}

void check_address(std::string_view input) {
    const auto address = IpAddress::parse(input);
    if (!address) return;
    const auto text = address->text();
    demand(IpAddress::parse(text).value() == *address);
    for (const int prefix : {0, 1, 7, 8, 31, 32, 64, 127, 128}) {
        if (prefix > address->bits()) break;
        const auto block =
            Cidr::parse(address->masked(prefix).text() + "/" + std::to_string(prefix)).value();
        demand(block.contains(*address));
    }
}

void check_block(std::string_view input) {
    const auto block = Cidr::parse(input);
    if (!block) return;
    demand(Cidr::parse(block->text()).value() == *block);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    check_host(input);
    check_address(input);
    check_block(input);
    return 0;
}
