#include "windows/verbs.hpp"

#include <filesystem>
#include <functional>
#include <optional>

#include "base/run_inline.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"
#include "vault/backend/backend.hpp"
#include "vault/backend/secret_store.hpp"
#include "vault/secret.hpp"
#include "vault/secret_fields.hpp"
#include "windows/dpapi_protector.hpp"
#include "windows/private_file.hpp"
#include "windows/system.hpp"

namespace gh::windows {
namespace {

using crypto::Secret;

constexpr std::string_view program = "gatehouse-secrets: ";

std::string line(std::string_view text) { return std::string(program) + std::string(text) + "\n"; }

Outcome failed(const Error& error) {
    const auto text = error.detail.empty() ? std::string(error.reason) : error.detail;
    return {.exit_code = error.reason == "usage" ? 2 : 1, .out = {}, .err = line(text)};
}

std::unexpected<Error> usage(std::string text) {
    return fail(ErrorKind::invalid_argument, "usage", std::move(text));
}

/// The store of a data directory, and who opens it.
struct Store {
    explicit Store(std::string_view data)
        : place((std::filesystem::path(wide_of(data)) / "secrets" / "dpapi_secrets.json")
                    .make_preferred(),
                vault::StoreFile::bytes_max),
          user(dpapi_protector()),
          secrets(place, *user) {}
    PrivateFile place;
    std::unique_ptr<vault::Protector> user;
    vault::SecretStore secrets;
};

/// What a start tells: where the secrets rest and how many, who opens them, and whether anything else does.
std::string told(const vault::StoreFacts& facts, const Store& store) {
    if (!facts.is_there)
        return line("there is no store " + store.secrets.name() + " yet: the first set makes it");
    const auto keys = facts.recovery_ids.size();
    return line("the store " + store.secrets.name() + " holds " + std::to_string(facts.secrets) +
                (facts.secrets == 1 ? " secret" : " secrets")) +
           line("it is opened by " + store.user->name()) +
           line(keys == 0 ? "no recovery key opens it: make one with recovery-key, or a lost "
                            "Windows profile loses all of it"
                          : "recovery keys that open it, too: " + std::to_string(keys));
}

/// Opens the store, says what it found, and does the rest.
Outcome with_store(const Said& said, const std::function<Result<Outcome>(Store&)>& run) {
    Store store(said.data);
    const auto facts = store.secrets.facts();
    if (!facts) return failed(facts.error());
    auto outcome = run(store);
    const bool is_lost = !outcome && outcome.error().reason == "store.lost";
    auto shown = outcome ? *std::move(outcome) : failed(outcome.error());
    if (!said.quiet && !is_lost) shown.err.insert(0, told(*facts, store));
    return shown;
}

/// Secrets are objects of JSON, as the clients of KV stores have them.
Result<Secret> fields_of(const Said& said) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (said.typed.size() > vault::secret_bytes_max)
        return fail(ErrorKind::invalid_argument, "secret.too_long", "a secret has at most 1 MiB");
    const auto typed = crypto::text_of(said.typed.bytes());
    if (!codec::is_utf8(typed))
        return usage("standard input is no UTF-8 text: encode it, as by base64");
    if (typed.starts_with(byte_order_mark))
        return usage("standard input begins with a byte order mark: write it as UTF-8 without one");
    if (!said.json)
        return vault::one_field(said.field.empty() ? vault::only_field : said.field, typed);
    const auto value = codec::json::parse(typed);
    if (value && value->object() != nullptr) return said.typed.copy();
    return usage("--json: standard input is no JSON object");
}

Outcome print(std::string_view text) {
    Outcome outcome;
    outcome.out.reserve(text.size() + 1);  // what grew elsewhere would not be wiped
    outcome.out.append(text).push_back('\n');
    return outcome;
}

Result<Outcome> list_recovery_keys(Store& store) {
    GH_TRY(const auto facts, store.secrets.facts());
    Outcome outcome;
    for (const auto& id : facts.recovery_ids) outcome.out += id + "\n";
    return outcome;
}

/// Recovery keys that a new master key could not be sealed for.
std::string dropped(const std::vector<std::string>& ids) {
    std::string lines;
    for (const auto& id : ids)
        lines += line("recovery key " + id +
                      " opens it no more either: there is another master key, which cannot be "
                      "sealed for a recovery key that is not given");
    if (!ids.empty()) lines += line("make new ones in their place, with recovery-key");
    return lines;
}

std::string take_back(const std::string& data, const std::string& id) {
    Store store(data);
    const auto done = store.secrets.take_back(id);
    if (done) return line("recovery key " + id + " could not be shown, and is taken back");
    return line("recovery key " + id +
                " could not be shown, nobody has it, and yet it counts: " + describe(done.error()));
}

Result<Outcome> make_recovery_key(Store& store, const std::string& data) {
    const auto key = vault::StoreRecoveryKey::generate();
    GH_TRY_VOID(store.secrets.add(key));
    auto outcome = print(crypto::text_of(key.text().bytes()));
    outcome.err = line("recovery key " + key.id() +
                       ": it is shown this once; keep it elsewhere, it opens every secret here");
    outcome.if_unseen = [data, id = key.id()] { return take_back(data, id); };
    return outcome;
}

}  // namespace

Outcome set(const Said& said) {
    const auto fields = fields_of(said);
    if (!fields) return failed(fields.error());
    return with_store(said, [&](Store& store) -> Result<Outcome> {
        GH_TRY_VOID(store.secrets.set(said.path, *fields));
        return Outcome{.exit_code = 0,
                       .out = {},
                       .err = line(said.path + " is in the store " + store.secrets.name())};
    });
}

Outcome get(const Said& said) {
    return with_store(said, [&](Store& store) -> Result<Outcome> {
        GH_TRY(const auto secret, store.secrets.get(said.path));
        if (said.json) return print(crypto::text_of(secret.bytes()));
        GH_TRY(auto text, vault::field_of(secret, said.field, said.path));
        auto outcome = print(text);
        crypto::wipe(text.data(), text.size());
        return outcome;
    });
}

Outcome list(const Said& said) {
    return with_store(said, [&](Store& store) -> Result<Outcome> {
        const auto backend = vault::store_backend(store.secrets);
        GH_TRY(const auto names, run_inline(backend->list(said.path)).value());
        Outcome outcome;
        if (!said.json) {
            for (const auto& name : names) outcome.out += name + "\n";
            return outcome;
        }
        codec::json::Writer out(outcome.out);
        out.begin_array();
        for (const auto& name : names) out.string(name);
        out.end_array();
        outcome.out += "\n";
        return outcome;
    });
}

Outcome remove(const Said& said) {
    return with_store(said, [&](Store& store) -> Result<Outcome> {
        GH_TRY_VOID(store.secrets.remove(said.path));
        return Outcome{.exit_code = 0, .out = {}, .err = line(said.path + " is deleted")};
    });
}

Outcome check(const Said& said) {
    return with_store(said, [&](Store& store) -> Result<Outcome> {
        const auto backend = vault::store_backend(store.secrets);
        GH_TRY(const auto seen, run_inline(vault::check_backend(*backend)).value());
        Outcome outcome;
        for (const auto& each : seen) {
            auto what = std::string(each.what);
            what.resize(11, ' ');
            outcome.out += what + (each.outcome ? "good" : describe(each.outcome.error())) + "\n";
            if (!each.outcome) outcome.exit_code = 1;
        }
        return outcome;
    });
}

Outcome recovery_key(const Said& said) {
    return with_store(said, [&](Store& store) -> Result<Outcome> {
        if (said.list) return list_recovery_keys(store);
        if (said.withdrawn.empty()) return make_recovery_key(store, said.data);
        GH_TRY(const auto others, store.secrets.withdraw(said.withdrawn));
        return Outcome{
            .exit_code = 0,
            .out = {},
            .err = line("recovery key " + said.withdrawn + " opens it no more") + dropped(others)};
    });
}

Outcome recover(const Said& said) {
    Store store(said.data);
    const auto key = vault::StoreRecoveryKey::parse(crypto::text_of(said.typed.bytes()));
    if (!key) return failed(key.error());
    const auto others = store.secrets.recover(*key);
    if (!others) return failed(others.error());
    const auto facts = store.secrets.facts();
    if (!facts) return failed(facts.error());
    return {.exit_code = 0, .out = {}, .err = told(*facts, store) + dropped(*others)};
}

}  // namespace gh::windows
