#pragma once

#include <map>
#include <string>
#include <string_view>

#include "crypto/key_store.hpp"
#include "vault/protector.hpp"

// For the unit tests of this room.

namespace gh::vault {

/// A key that is good enough: `seed` makes it another.
inline std::string key_text(char seed = 'A') {
    std::string digits;
    for (int i = 0; i < 64; ++i) digits += "0123456789abcdef"[(i * 7 + seed + i / 16) % 16];
    return digits;
}

/// A passphrase whose key costs next to nothing.
inline std::unique_ptr<Protector> cheap_passphrase(std::string_view text) {
    return passphrase_protector(text, {.memory_kib = 8, .passes = 1, .lanes = 1});
}

/// Another store's memory, outlived by it.
class MemoryKeyStore final : public crypto::KeyStore {
 public:
    using Values = std::map<std::string, std::string, std::less<>>;
    explicit MemoryKeyStore(Values& values) : values_(values) {}
    Result<crypto::Secret> load(std::string_view name) override {
        const auto found = values_.find(name);
        if (found == values_.end()) return fail(ErrorKind::not_found, "key_store.absent");
        return crypto::Secret(found->second);
    }
    Result<void> store(std::string_view name, const crypto::Secret& value) override {
        if (writes_left == 0) return fail(ErrorKind::unavailable, "key_store.io");
        --writes_left;
        values_.insert_or_assign(std::string(name), std::string(crypto::text_of(value.bytes())));
        return {};
    }
    int writes_left = -1;  ///< negative: any number

 private:
    Values& values_;
};

}  // namespace gh::vault
