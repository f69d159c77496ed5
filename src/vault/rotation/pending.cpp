#include <memory>

#include "base/try.hpp"
#include "vault/kv_json.hpp"
#include "vault/rotation/repository.hpp"
#include "vault/rotation/rows.hpp"

// Values of a rotation: the pending one, which is no version yet, and those that are.

namespace gh::vault::rotation {

using storage::Session;

std::string_view text_of(const SharedSecret& fields) {
    return fields ? crypto::text_of(fields->bytes()) : std::string_view();
}

Task<Result<SharedSecret>> open_pending(Session& session, Keyring& keyring, const Stored& stored) {
    if (stored.sealed.empty()) co_return SharedSecret();
    const auto path = pending_path(stored.rotation);
    const auto place = pending_place(stored.rotation, path);
    GH_CO_TRY(auto opened, co_await keyring.open(session, crypto::bytes_of(stored.sealed), place));
    co_return std::make_shared<const crypto::Secret>(std::move(opened));
}

Task<Result<OpenedSecret>> read_version(Session& session, Keyring& keyring, std::string path,
                                        std::uint64_t version, SystemTime now) {
    auto opened = co_await read_secret(session, keyring, std::move(path), version, now);
    if (opened || opened.error().reason != "secret.unknown") co_return opened;
    co_return OpenedSecret{};
}

Task<Result<void>> keep_given_up(Session& session, Keyring& keyring, const Stored& stored,
                                 SystemTime now) {
    const auto& rotation = stored.rotation;
    const auto path = rotation.path;
    if (rotation.rule.generator.kind != Kind::postgresql || rotation.rule.takes_turns())
        co_return Result<void>{};
    GH_CO_TRY(const auto pending, co_await open_pending(session, keyring, stored));
    if (!pending) co_return Result<void>{};
    GH_CO_TRY(const auto newest, co_await read_version(session, keyring, path, 0, now));
    const auto old = newest.value ? text_of(newest.value) : std::string_view("{}");
    const auto value = std::make_shared<const crypto::Secret>(kv::merged(old, text_of(pending)));
    GH_CO_TRY(const auto kept, co_await add_secret_version(session, keyring, path, value, now));
    if (newest.value)
        GH_CO_TRY_VOID(co_await add_secret_version(session, keyring, path, newest.value, now));
    co_return co_await delete_secret_version(session, path, kept.versions.front(), now);
}

}  // namespace gh::vault::rotation
