#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "storage/testing.hpp"
#include "vault/secret_repository.hpp"

// For the unit tests of this room.

namespace gh::vault {

/// Secrets in an empty database.
class SecretsTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(storage::run_to_end(
            storage::migrate(*database, storage::embedded_migrations(), SystemTime(seconds(1)))));
    }
    static crypto::Secret root() { return crypto::Secret(std::string(32, 'r')); }

    SystemTime at(int second) { return SystemTime(seconds(1'000 + second)); }
    Result<SecretChange> put(const std::string& path, const std::string& value,
                             std::optional<std::uint64_t> cas = {}) {
        return storage::run_to_end(secrets().put(path, crypto::Secret(value), cas, at(++clock_)));
    }
    Result<OpenedSecret> get(const std::string& path, std::uint64_t version = 0) {
        return storage::run_to_end(secrets().get(path, version));
    }
    std::string value(const std::string& path, std::uint64_t version = 0) {
        const auto opened = get(path, version);
        if (!opened) return describe(opened.error());
        return opened->value ? std::string(crypto::text_of(opened->value->bytes())) : "(none)";
    }
    static std::string reason(const auto& result) {
        return result ? "" : std::string(result.error().reason);
    }
    SecretRepository secrets() { return {*database, keyring_}; }

    Keyring keyring_{root()};
    int clock_ = 0;
};

}  // namespace gh::vault
