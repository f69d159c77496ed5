#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// Where private keys rest. A value is replaced whole or not at all, also when the process is killed while storing.
class KeyStore {
 public:
    /// A name is a token of ours: 1 to 64 of a-z, 0-9, '-' and '_'; any other is `invalid_argument` "key_store.name".
    static constexpr std::size_t name_bytes_max = 64;
    static constexpr std::size_t value_bytes_max = 64 * 1024;

    virtual ~KeyStore() = default;
    /// @return `not_found` "key_store.absent"; any other error means that the value may well be there
    [[nodiscard]] virtual Result<Secret> load(std::string_view name) = 0;
    /// @return `invalid_argument` "key_store.too_long"; after any error the old value stays
    [[nodiscard]] virtual Result<void> store(std::string_view name, const Secret& value) = 0;

    [[nodiscard]] static constexpr bool valid_name(std::string_view name) {
        constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_";
        return !name.empty() && name.size() <= name_bytes_max &&
               name.find_first_not_of(allowed) == std::string_view::npos;
    }
};

}  // namespace gh::crypto
