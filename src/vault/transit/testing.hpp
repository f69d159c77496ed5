#pragma once

#include <string>
#include <utility>

#include "vault/secret_testing.hpp"
#include "vault/transit/repository.hpp"

// For the unit tests of transit.

namespace gh::vault::transit {

/// Keys in an empty database.
class TransitTest : public SecretsTest {
 protected:
    Result<KeyChange> create(NewKey key) {
        auto material = Material::generate(key.type, key.key_bytes);
        return storage::run_to_end(
            keys().create(std::move(key), std::move(material), at(++clock_)));
    }
    Result<KeyChange> create(const std::string& name, KeyType type = KeyType::aes256_gcm96) {
        NewKey key;
        key.name = name;
        key.type = type;
        return create(std::move(key));
    }
    Result<KeyChange> rotate(const std::string& name) {
        auto facts = storage::run_to_end(keys().find(name));
        if (!facts) return std::unexpected(facts.error());
        auto material = Material::generate(facts->key.type, facts->key.key_bytes);
        return storage::run_to_end(
            keys().rotate(*std::move(facts), std::move(material), at(++clock_)));
    }
    Result<KeyChange> configure(const std::string& name, KeySettings settings) {
        return storage::run_to_end(keys().configure(name, settings, at(++clock_)));
    }
    Result<OpenedKey> open(const std::string& name, Span span = {.first = 1, .last = 0}) {
        return storage::run_to_end(keys().open(name, span));
    }
    Result<void> sql(std::string text) {
        auto work = [text = std::move(text)](storage::Session& session) {
            return session.script(text);
        };
        return storage::run_to_end(database->write(std::move(work)));
    }
    Repository keys() { return {*database, keyring_}; }
};

}  // namespace gh::vault::transit
