#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gh::net {

/// Which certificate answers for a server name (RFC 6066 §3, RFC 9525 §6.3): exact, then wildcard.
class CertificateIndex {
 public:
    /// @param name  lower case; "*.example.com" covers one label
    /// @return false when the name is there already: it keeps its certificate
    bool add(std::string_view name, std::size_t certificate);

    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    /// @param server_name  as the client sent it, in any case
    [[nodiscard]] std::size_t find(std::string_view server_name) const;

 private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> names_;
};

}  // namespace gh::net
