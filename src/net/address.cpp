#include "net/address.hpp"

#include <arpa/inet.h>

#include <cstring>

namespace gh::net {
namespace {

const sockaddr_in& v4(const sockaddr_storage& raw) {
    return reinterpret_cast<const sockaddr_in&>(raw);
}
const sockaddr_in6& v6(const sockaddr_storage& raw) {
    return reinterpret_cast<const sockaddr_in6&>(raw);
}

}  // namespace

Address::Address(const sockaddr_storage& raw) : storage_(raw) {
    if (raw.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6(raw).sin6_addr)) return;
    sockaddr_in plain{};
    plain.sin_family = AF_INET;
    plain.sin_port = v6(raw).sin6_port;
    std::memcpy(&plain.sin_addr, v6(raw).sin6_addr.s6_addr + 12, 4);
    storage_ = {};
    std::memcpy(&storage_, &plain, sizeof plain);
}

Result<Address> Address::parse(std::string_view ip, std::uint16_t port) {
    const std::string text(ip);
    Address address;
    sockaddr_in four{};
    sockaddr_in6 six{};
    if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        std::memcpy(&address.storage_, &four, sizeof four);
    } else if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        std::memcpy(&address.storage_, &six, sizeof six);
    } else {
        return fail(ErrorKind::invalid_argument, "net.address", "not an IP address: " + text);
    }
    address.set_port(port);
    return address;
}

socklen_t Address::length() const {
    return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

std::uint16_t Address::port() const {
    return ntohs(family() == AF_INET6 ? v6(storage_).sin6_port : v4(storage_).sin_port);
}

void Address::set_port(std::uint16_t port) {
    if (family() == AF_INET6) {
        reinterpret_cast<sockaddr_in6&>(storage_).sin6_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in&>(storage_).sin_port = htons(port);
    }
}

bool Address::is_loopback() const {
    if (family() == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&v6(storage_).sin6_addr);
    return (ntohl(v4(storage_).sin_addr.s_addr) >> 24) == 127;
}

std::array<std::uint8_t, 16> Address::octets() const {
    std::array<std::uint8_t, 16> octets{};
    if (family() == AF_INET6) {
        std::memcpy(octets.data(), &v6(storage_).sin6_addr, 16);
    } else {
        octets[10] = octets[11] = 0xff;
        std::memcpy(octets.data() + 12, &v4(storage_).sin_addr, 4);
    }
    return octets;
}

std::string Address::ip_text() const {
    char text[INET6_ADDRSTRLEN] = "";
    if (family() == AF_INET6) {
        ::inet_ntop(AF_INET6, &v6(storage_).sin6_addr, text, sizeof text);
    } else {
        ::inet_ntop(AF_INET, &v4(storage_).sin_addr, text, sizeof text);
    }
    return text;
}

std::string Address::text() const {
    const auto port_text = std::to_string(port());
    return family() == AF_INET6 ? "[" + ip_text() + "]:" + port_text : ip_text() + ":" + port_text;
}

bool Address::operator==(const Address& other) const {
    return length() == other.length() && std::memcmp(&storage_, &other.storage_, length()) == 0;
}

}  // namespace gh::net
