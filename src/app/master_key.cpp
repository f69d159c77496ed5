#include "app/master_key.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "app/data_folder.hpp"
#include "app/lone_database.hpp"
#include "app/unseal.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/run_task.hpp"
#include "pki/key_store.hpp"
#include "vault/rekey.hpp"

namespace gh::app {
namespace {

constexpr std::string_view connection_name = "gatehouse rekey";
constexpr std::string_view in_use = "rekey.in_use";

void say_progress(const std::string& text) {
    std::fprintf(stderr, "gatehouse: %s\n", text.c_str());
}

/// As any verb finds the house: whole, with a schema of today, and its vault the one of its database.
Result<Settings> settings_of_whole_house(const Overrides& overrides,
                                         const Surroundings& surroundings) {
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    return verb->settings;
}

Result<std::vector<std::string>> key_names(const Settings& settings) {
    GH_TRY(const auto files, pki::FileKeyStore::open(settings.data_dir / "keys"));
    return files.names();
}

/// Opens every key before any is changed: one that opens with no master key stops it here.
Result<void> check_keys(const Settings& settings, vault::Seal& seal,
                        const std::vector<std::string>& names) {
    GH_TRY(auto keys, open_keys(settings, seal));
    for (const auto& name : names) GH_TRY_VOID(keys.load(name));
    return {};
}

Result<std::uint64_t> renew_keys(const Settings& settings, vault::Seal& seal,
                                 const std::vector<std::string>& names) {
    GH_TRY(auto keys, open_keys(settings, seal));
    std::uint64_t sealed = 0;
    for (const auto& name : names) {
        GH_TRY(const bool renewed, keys.renew(name));
        sealed += renewed ? 1 : 0;
    }
    say_progress(fmt::format("{} of {} keys sealed with the new master key", sealed, names.size()));
    return sealed;
}

Result<vault::RenewedKeys> renew_data_keys(storage::Database& database, const vault::Seal& seal,
                                           const RenewedMaster& done, bool resumed) {
    const auto keyring = keyring_of(seal);
    auto told = audit::act_of_shell("vault.rekey_master", "vault", "seal");
    told.severity = audit::Severity::high;
    told.details = {{"recovery_keys", fmt::format("{}", fmt::join(done.recovery_keys, " "))}};
    if (resumed) told.details.push_back({"resumed", true});
    const auto say = [](audit::Record& record, const vault::RenewedKeys& renewed) {
        record.details.push_back({"data_keys", static_cast<std::int64_t>(renewed.sealed)});
    };
    auto also = audit::also<vault::RenewedKeys>(std::move(told), say);
    GH_TRY(auto renewed,
           net::run_to_end(vault::Rekey(database, *keyring)
                               .renew_keys(std::chrono::system_clock::now(), std::move(also))));
    say_progress(fmt::format("{} data keys sealed with the new master key", renewed.sealed));
    return renewed;
}

/// Everything that is not sealed with the new one yet.
/// @param resumed  one that was cut short: the audit log may have been told of it
Result<RenewedMaster> seal_anew(const Settings& settings, vault::Seal& seal, LoneDatabase& lone,
                                const std::vector<std::string>& names, bool resumed) {
    RenewedMaster done;
    done.recovery_keys = seal.recovery_keys();
    GH_TRY(done.keys, renew_keys(settings, seal, names));
    GH_TRY(const auto files, files_of(seal.derived_key(files_purpose)));
    GH_TRY(const auto former, files_of(*seal.former_key(files_purpose)));
    GH_TRY(done.copies, renew_kept_copies(settings.data_dir, files, former));
    GH_TRY_VOID(lone.check_alone(in_use));
    GH_TRY(done.data_keys, renew_data_keys(lone.database(), seal, done, resumed));
    GH_TRY_VOID(seal.end_renewal());
    return done;
}

Result<void> begin(vault::Seal& seal, vault::Protector& protector,
                   const std::vector<std::string>& known) {
    auto begun = seal.begin_renewal(protector, known);
    if (!begun && begun.error().reason == "file.io") {
        begun.error().detail =
            "keys/seal.json could not be written, or not for sure: " + describe(begun.error()) +
            "; everything opens with it. Mend that and run the same again";
    }
    return begun;
}

}  // namespace

Result<RenewedMaster> renew_master(const Overrides& overrides, const Surroundings& surroundings,
                                   const std::vector<std::string>& known) {
    GH_TRY(const auto settings, settings_of_whole_house(overrides, surroundings));
    // Whoever has opened the seal before would go on sealing with what the former master key gave.
    GH_TRY(const auto folder, DataFolder::open(settings, DataFolder::Use::alone));
    GH_TRY(const auto lone, LoneDatabase::open(settings, std::string(connection_name)));
    GH_TRY_VOID(lone->check_alone(in_use));
    GH_TRY(const auto lock, lock_seal(settings));
    const auto protector = protector_of(settings);
    GH_TRY(auto seal, vault::Seal::open(settings.data_dir / "keys", *protector));
    GH_TRY(const auto names, key_names(settings));
    GH_TRY_VOID(check_keys(settings, seal, names));
    // Only now nobody else renews it: is the database still the one that this seal is of?
    GH_TRY_VOID(net::run_to_end(keyring_of(seal)->check(lone->database())));
    const bool resumed = seal.renewing();
    if (resumed) say_progress("going on with the new master key that was begun");
    GH_TRY_VOID(begin(seal, *protector, known));
    auto done = seal_anew(settings, seal, *lone, names, resumed);
    if (!done) {
        done.error().detail = fmt::format(
            "the new master key IS made, but not everything is sealed with it yet: {}; everything "
            "opens meanwhile. Mend that and run the same again",
            describe(done.error()));
    }
    return done;
}

}  // namespace gh::app
