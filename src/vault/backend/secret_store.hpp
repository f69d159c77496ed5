#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "vault/backend/backend.hpp"
#include "vault/backend/store_file.hpp"
#include "vault/backend/store_recovery_key.hpp"
#include "vault/protector.hpp"

namespace gh::vault {

/// Where a store file lies: systems have their own ways of locks, owners and flushes.
class StorePlace {
 public:
    virtual ~StorePlace() = default;
    /// For people: the file's path.
    [[nodiscard]] virtual std::string name() const = 0;
    /// Nothing: there is none yet. @return `corrupt` "file.too_long", `unavailable` "file.io"
    [[nodiscard]] virtual Result<std::optional<std::string>> read() = 0;
    /// Whoever reads sees the old or the new file, also after a power cut; nobody but its owner reaches it.
    /// @return `unavailable` "file.io": the old one stays
    [[nodiscard]] virtual Result<void> replace(std::string_view content) = 0;

    /// As long as it lives, others who want to change the file wait.
    class Turn {
     public:
        virtual ~Turn() = default;
        /// For who finds no file. @return `conflict` "store.lost": there was one, for something of it lies there still
        [[nodiscard]] virtual Result<void> may_begin() const = 0;
    };
    /// @return `unavailable` "file.locked": somebody else's turn lasts too long; "file.io"
    [[nodiscard]] virtual Result<std::unique_ptr<Turn>> take_turn() = 0;
};

/// What a start says of a store.
struct StoreFacts {
    bool is_there = false;
    std::size_t secrets = 0;
    std::vector<std::string> recovery_ids;
};

/// Secrets in one file, each sealed for its path, all of them proved together; what opens it is a protector's or a recovery
/// key. Every call reads the file, so processes share it; those that change it take turns.
///
/// Errors besides those of the place, the protector and the file: `not_found` "secret.unknown", "store.missing";
/// `invalid_argument` "secret.path", "secret.too_long"; `exhausted` "store.full"; `conflict` "seal.other_protector";
/// `corrupt` "store.changed", "barrier.open". Whoever changes it: "store.lost", too.
class SecretStore {
 public:
    /// Both outlive it.
    SecretStore(StorePlace& place, Protector& protector) : place_(place), protector_(protector) {}

    [[nodiscard]] std::string name() const { return place_.name(); }
    /// Opens it, so that what is wrong with it is said now.
    [[nodiscard]] Result<StoreFacts> facts();

    [[nodiscard]] Result<crypto::Secret> get(std::string_view path);
    /// The first one makes the store.
    [[nodiscard]] Result<void> set(std::string_view path, const crypto::Secret& fields);
    /// All paths, in order of their bytes.
    [[nodiscard]] Result<std::vector<std::string>> paths();
    [[nodiscard]] Result<void> remove(std::string_view path);

    /// One more who can open it. @return `exhausted` "seal.recipients"
    [[nodiscard]] Result<void> add(const StoreRecoveryKey& key);
    /// For a key that was added and that nobody has seen: all else stays. @return `not_found` "seal.no_such_recovery_key"
    [[nodiscard]] Result<void> take_back(std::string_view id);
    /// Seals everything anew under another master key, for the protector alone: whoever has the recovery key and an older file
    /// opens nothing that is written from now on. What is sealed for the other recovery keys wants them, so they go, too.
    /// @return ids of those others; `not_found` "seal.no_such_recovery_key"
    [[nodiscard]] Result<std::vector<std::string>> withdraw(std::string_view id);
    /// Opens it with the recovery key and seals everything anew under another master key, for the protector and this key.
    /// @return ids of the recovery keys that open it no more
    [[nodiscard]] Result<std::vector<std::string>> recover(const StoreRecoveryKey& key);

 private:
    /// The file, and the master key that it was opened with.
    struct Opened;
    [[nodiscard]] Result<std::optional<StoreFile>> read();
    [[nodiscard]] Result<Opened> opened_by(StoreFile file, Protector& protector);
    [[nodiscard]] Result<std::optional<Opened>> open();
    [[nodiscard]] Result<Opened> open_what_is_there();
    [[nodiscard]] Result<Opened> make();
    [[nodiscard]] Result<Opened> begun(const StorePlace::Turn& turn);
    /// The same secrets under another master key, for the protector alone.
    [[nodiscard]] Result<Opened> sealed_anew(const Opened& former);
    [[nodiscard]] Result<void> replace(Opened& opened);

    StorePlace& place_;
    Protector& protector_;
};

/// The calls that every place of secrets has. @param store  outlives it
[[nodiscard]] std::unique_ptr<Backend> store_backend(SecretStore& store);

}  // namespace gh::vault
