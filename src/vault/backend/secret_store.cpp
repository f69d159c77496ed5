#include "vault/backend/secret_store.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "crypto/hkdf.hpp"
#include "crypto/hmac.hpp"
#include "vault/barrier.hpp"
#include "vault/secret.hpp"
#include "vault/secret_path.hpp"

namespace gh::vault {
namespace {

using crypto::Secret;

constexpr std::size_t master_bytes = 32;

Secret key_for(const Secret& master, std::string_view purpose) {
    return crypto::hkdf_sha256(master, {}, "gatehouse store 1 " + std::string(purpose), 32);
}

Place place_of(std::string_view path) {
    return {.kind = "stored secret", .path = path, .version = 0};
}

std::unexpected<Error> unknown(std::string_view path) {
    return fail(ErrorKind::not_found, "secret.unknown", "there is no secret " + std::string(path));
}

/// What somebody says of a wrong key is of the seal of a server; what else refuses has words of its own to add.
Error in_words(Error error, const std::string& store, const std::string& who) {
    if (error.kind != ErrorKind::permission_denied) {
        error.detail.insert(0, store + ": ");
        return error;
    }
    auto said = error.reason == "seal.wrong_key" ? std::string() : " (" + error.detail + ")";
    error.detail = who + " does not open " + store +
                   ": it is sealed for another, or was changed; a recovery key of it opens it, "
                   "else restore it from a backup" +
                   said;
    return error;
}

/// Ids of the recovery keys that open it, but for one.
std::vector<std::string> recovery_ids_of(const StoreFile& file, std::string_view but_for = {}) {
    std::vector<std::string> ids;
    for (const auto& each : file.recipients) {
        const auto* id = recovery_id_of(each);
        if (id != nullptr && *id != but_for) ids.push_back(*id);
    }
    return ids;
}

std::unexpected<Error> no_such_recovery_key() {
    return fail(ErrorKind::not_found, "seal.no_such_recovery_key", "no recovery key has this id");
}

crypto::HmacCode proof_of(const StoreFile& file, const Secret& master) {
    return crypto::HmacKey(crypto::HmacHash::sha256, key_for(master, "proof"))
        .code_of(proved_text(file));
}

class StoreBackend final : public Backend {
 public:
    explicit StoreBackend(SecretStore& store) : store_(store) {}

    [[nodiscard]] std::string name() const override { return "the store " + store_.name(); }
    Task<Result<Secret>> get(std::string path) override { co_return store_.get(path); }
    Task<Result<void>> set(std::string path, Secret fields) override {
        co_return store_.set(path, fields);
    }
    Task<Result<std::vector<std::string>>> list(std::string folder) override {
        GH_CO_TRY_VOID(check_secret_folder(folder));
        GH_CO_TRY(const auto paths, store_.paths());
        co_return names_below(paths, folder);
    }
    Task<Result<void>> remove(std::string path) override { co_return store_.remove(path); }

 private:
    SecretStore& store_;
};

}  // namespace

struct SecretStore::Opened {
    StoreFile file;
    Secret master;

    [[nodiscard]] Result<Barrier> barrier() const {
        return Barrier().with(1, key_for(master, "secrets"));
    }
};

Result<std::optional<StoreFile>> SecretStore::read() {
    GH_TRY(const auto text, place_.read());
    if (!text) return std::nullopt;
    auto file = parse_store_file(*text);
    if (file) return file;
    file.error().detail = name() + ": " + file.error().detail;
    return std::unexpected(std::move(file).error());
}

/// Of several recipients that it may be sealed for, one opens; what is said of the last that does not is as good as of the first.
Result<SecretStore::Opened> SecretStore::opened_by(StoreFile file, Protector& protector) {
    Result<Secret> master = fail(ErrorKind::conflict, "seal.other_protector",
                                 name() + " is not sealed for " + protector.name() +
                                     ": open it with a recovery key, or as the user it belongs to");
    for (const auto& each : file.recipients) {
        if (each.kind != protector.kind()) continue;
        master = protector.unwrap(each);
        if (master) break;
        master.error() = in_words(std::move(master.error()), name(), protector.name());
    }
    if (!master) return std::unexpected(std::move(master).error());
    if (!crypto::constant_time_equal(proof_of(file, *master).bytes(),
                                     crypto::bytes_of(file.proof))) {
        return fail(ErrorKind::corrupt, "store.changed",
                    name() + " was changed by somebody else: restore it from a backup");
    }
    return Opened{std::move(file), *std::move(master)};
}

Result<std::optional<SecretStore::Opened>> SecretStore::open() {
    GH_TRY(auto file, read());
    if (!file) return std::nullopt;
    GH_TRY(auto opened, opened_by(*std::move(file), protector_));
    return opened;
}

Result<SecretStore::Opened> SecretStore::open_what_is_there() {
    GH_TRY(auto opened, open());
    if (opened) return *std::move(opened);
    return fail(ErrorKind::not_found, "store.missing",
                "there is no store " + name() + ": the first secret that is set makes one");
}

Result<SecretStore::Opened> SecretStore::make() {
    Opened opened{{}, Secret::random(master_bytes)};
    GH_TRY(auto recipient, protector_.wrap(opened.master));
    opened.file.recipients.push_back(std::move(recipient));
    return opened;
}

Result<SecretStore::Opened> SecretStore::begun(const StorePlace::Turn& turn) {
    GH_TRY_VOID(turn.may_begin());
    return make();
}

Result<SecretStore::Opened> SecretStore::sealed_anew(const Opened& former) {
    GH_TRY(auto anew, make());
    GH_TRY(const auto from, former.barrier());
    GH_TRY(const auto to, anew.barrier());
    for (const auto& [path, sealed] : former.file.sealed) {
        GH_TRY(const auto fields, from.open(crypto::bytes_of(sealed), place_of(path)));
        anew.file.sealed.emplace(path, to.seal(fields.bytes(), place_of(path)));
    }
    return anew;
}

Result<void> SecretStore::replace(Opened& opened) {
    opened.file.proof = crypto::text_of(proof_of(opened.file, opened.master).bytes());
    const auto text = text_of(opened.file);
    if (opened.file.sealed.size() > StoreFile::secrets_max || text.size() > StoreFile::bytes_max) {
        return fail(ErrorKind::exhausted, "store.full",
                    "a store has at most 10,000 secrets and 8 MiB");
    }
    return place_.replace(text);
}

Result<StoreFacts> SecretStore::facts() {
    GH_TRY(const auto opened, open());
    StoreFacts facts;
    if (!opened) return facts;
    facts.is_there = true;
    facts.secrets = opened->file.sealed.size();
    facts.recovery_ids = recovery_ids_of(opened->file);
    return facts;
}

Result<Secret> SecretStore::get(std::string_view path) {
    GH_TRY_VOID(check_secret_path(path));
    GH_TRY(const auto opened, open());
    if (!opened) return unknown(path);
    const auto found = opened->file.sealed.find(path);
    if (found == opened->file.sealed.end()) return unknown(path);
    GH_TRY(const auto barrier, opened->barrier());
    return barrier.open(crypto::bytes_of(found->second), place_of(path));
}

Result<void> SecretStore::set(std::string_view path, const Secret& fields) {
    GH_TRY_VOID(check_secret_path(path));
    if (fields.size() > secret_bytes_max)
        return fail(ErrorKind::invalid_argument, "secret.too_long", "a secret has at most 1 MiB");
    GH_TRY(const auto turn, place_.take_turn());
    GH_TRY(auto known, open());
    GH_TRY(auto opened, known ? Result<Opened>(*std::move(known)) : begun(*turn));
    GH_TRY(const auto barrier, opened.barrier());
    opened.file.sealed.insert_or_assign(std::string(path),
                                        barrier.seal(fields.bytes(), place_of(path)));
    return replace(opened);
}

Result<std::vector<std::string>> SecretStore::paths() {
    GH_TRY(const auto opened, open());
    std::vector<std::string> paths;
    if (!opened) return paths;
    for (const auto& [path, sealed] : opened->file.sealed) paths.push_back(path);
    return paths;
}

Result<void> SecretStore::remove(std::string_view path) {
    GH_TRY_VOID(check_secret_path(path));
    GH_TRY(const auto turn, place_.take_turn());
    GH_TRY(auto opened, open());
    if (!opened) return unknown(path);
    const auto found = opened->file.sealed.find(path);
    if (found == opened->file.sealed.end()) return unknown(path);
    opened->file.sealed.erase(found);
    return replace(*opened);
}

Result<void> SecretStore::add(const StoreRecoveryKey& key) {
    GH_TRY(const auto turn, place_.take_turn());
    GH_TRY(auto opened, open_what_is_there());
    if (opened.file.recipients.size() >= recipients_max) {
        return fail(ErrorKind::exhausted, "seal.recipients",
                    "it is sealed for as many as there may be: withdraw a recovery key");
    }
    GH_TRY(auto recipient, key.protector()->wrap(opened.master));
    opened.file.recipients.push_back(std::move(recipient));
    return replace(opened);
}

Result<void> SecretStore::take_back(std::string_view id) {
    GH_TRY(const auto turn, place_.take_turn());
    GH_TRY(auto opened, open_what_is_there());
    const auto is_this = [id](const Recipient& each) {
        const auto* known = recovery_id_of(each);
        return known != nullptr && *known == id;
    };
    if (std::erase_if(opened.file.recipients, is_this) == 0) return no_such_recovery_key();
    return replace(opened);
}

Result<std::vector<std::string>> SecretStore::withdraw(std::string_view id) {
    GH_TRY(const auto turn, place_.take_turn());
    GH_TRY(const auto former, open_what_is_there());
    auto others = recovery_ids_of(former.file, id);
    if (others.size() == recovery_ids_of(former.file).size()) return no_such_recovery_key();
    GH_TRY(auto anew, sealed_anew(former));
    GH_TRY_VOID(replace(anew));
    return others;
}

Result<std::vector<std::string>> SecretStore::recover(const StoreRecoveryKey& key) {
    GH_TRY(const auto turn, place_.take_turn());
    GH_TRY(auto file, read());
    if (!file) {
        return fail(ErrorKind::not_found, "store.missing",
                    "there is no store " + name() + ": restore it from a backup");
    }
    const auto recovery = key.protector();
    GH_TRY(const auto former, opened_by(*std::move(file), *recovery));
    GH_TRY(auto anew, sealed_anew(former));
    GH_TRY(auto recipient, recovery->wrap(anew.master));
    anew.file.recipients.push_back(std::move(recipient));
    GH_TRY_VOID(replace(anew));
    return recovery_ids_of(former.file, key.id());
}

std::unique_ptr<Backend> store_backend(SecretStore& store) {
    return std::make_unique<StoreBackend>(store);
}

}  // namespace gh::vault
