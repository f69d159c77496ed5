#include "net/certificate_index.hpp"

#include <algorithm>

namespace gh::net {

bool CertificateIndex::add(std::string_view name, std::size_t certificate) {
    return names_.try_emplace(std::string(name), certificate).second;
}

std::size_t CertificateIndex::find(std::string_view server_name) const {
    constexpr std::size_t name_bytes_max = 255;
    if (server_name.empty() || server_name.size() > name_bytes_max || server_name.front() == '*')
        return none;
    std::string name(server_name);
    std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (const auto exact = names_.find(name); exact != names_.end()) return exact->second;
    const auto dot = name.find('.');
    if (dot == 0 || dot == std::string::npos) return none;
    name.replace(0, dot, "*");
    const auto wildcard = names_.find(name);
    return wildcard != names_.end() ? wildcard->second : none;
}

}  // namespace gh::net
