#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "app/backend_verbs.hpp"
#include "app/verb_options.hpp"
#include "vault/secret.hpp"

namespace gh::app {
namespace {

/// All of standard input but the end of its last line; one byte more than is allowed tells that it is too long.
crypto::Secret typed_text() {
    std::string text;
    text.reserve(vault::secret_bytes_max + 2);  // what grew elsewhere would not be wiped
    for (int c = std::fgetc(stdin); c != EOF && text.size() <= vault::secret_bytes_max + 1;
         c = std::fgetc(stdin)) {
        text.push_back(static_cast<char>(c));
    }
    const bool line = text.ends_with('\n');
    crypto::Secret typed(std::string_view(text).substr(0, text.size() - (line ? 1 : 0)));
    crypto::wipe(text.data(), text.size());
    return typed;
}

/// Makes verbs of `secrets`.
class Verbs {
 public:
    Verbs(CLI::App& secrets, Options& options) : secrets_(secrets), options_(options) {}
    CLI::App* operator()(const std::string& name, const std::string& what,
                         const std::string& example,
                         CommandResult (*run)(const Overrides&, const Surroundings&,
                                              const SecretsOptions&)) const {
        auto& options = options_;
        return add_state_verb(secrets_, options, name, what, example, [&options, name, run] {
            auto& said = options.secrets;
            if (name == "set" || said.recovery_key || said.old_passphrase || said.old_key)
                said.typed = typed_text();
            return run(state_overrides(options), surroundings(), said);
        });
    }

 private:
    CLI::App& secrets_;
    Options& options_;
};

void add_values(const Verbs& verb, SecretsOptions& wanted) {
    auto* set = verb("set", "Write a new version: standard input is the value",
                     "secrets set team/database < password.txt", secrets_set);
    auto* get = verb("get", "Print a secret", "secrets get team/database", secrets_get);
    auto* list = verb("list", "Names below a folder", "secrets list team/", secrets_list);
    auto* remove = verb("delete", "Delete the newest version, or all of them",
                        "secrets delete team/database", secrets_delete);
    verb("check", "Write, read, list and delete a secret of its own where secrets rest",
         "secrets check", secrets_check);
    for (auto* each : {set, get, remove})
        each->add_option("PATH", wanted.path, "Such as team/database")->required();
    list->add_option("FOLDER", wanted.path, "Such as team/; the whole vault by default");
    for (auto* each : {set, get})
        each->add_option("--field", wanted.field, "Of the secret; value by default");
    for (auto* each : {set, get})
        each->add_option("--fernet-key-file", wanted.fernet_key_file,
                         "What is read or printed is a Fernet token of the key in this file");
    set->add_option("--cas", wanted.cas, "The newest version must be this; 0: there is none yet");
    set->add_flag("--json", wanted.json, "Standard input is a JSON object: all fields");
    get->add_option("--version", wanted.version, "Not the newest");
    get->add_flag("--json", wanted.json, "All fields, as a JSON object");
    list->add_flag("--json", wanted.json, "As a JSON array");
    remove->add_flag("--all", wanted.all, "Every version, for good");
}

void add_import(CLI::App& secrets, Options& options) {
    auto& wanted = options.import;
    auto run = [&options](auto* verb) {
        return [&options, verb] {
            return verb(state_overrides(options), surroundings(), options.import);
        };
    };
    auto* import = add_state_verb(
        secrets, options, "import",
        "Move the secrets of a .env file into the vault; prints what became of each",
        "secrets import .env --verify-only\n  gatehouse secrets import .env --backup",
        run(secrets_import));
    import->add_option("FILE", wanted.file, "Such as .env")->required();
    import->add_option("--folder", wanted.folder, "Of the vault; env/ by default");
    import->add_flag(
        "--backup", wanted.backup,
        "Keep the file as it was, sealed, in DATA/backups; before anything is changed");
    auto* verify = import->add_flag(
        "--verify-only", wanted.verify_only,
        "Write nothing: which secrets there are, and is each in the vault? 1 if there is anything "
        "to do");
    import->add_flag("--overwrite", wanted.overwrite,
                     "A new version also where the vault has another value");
    import->add_option("--keep", wanted.keep, "This variable stays in the file; once for each")
        ->allow_extra_args(false);
    import
        ->add_flag("--delete-env", wanted.delete_env,
                   "Remove the file, if it holds nothing but secrets and all go into the vault; a "
                   "sealed copy is kept")
        ->excludes(verify);
    auto* open = add_state_verb(secrets, options, "open-backup", "Print what --backup has kept",
                                "secrets open-backup data/backups/.env.backup_20260102_030405",
                                run(secrets_open_backup));
    open->add_option("FILE", wanted.sealed, "In DATA/backups")->required();
}

void add_seal(const Verbs& verb, SecretsOptions& wanted) {
    auto* rekey =
        verb("rekey",
             "A new data key, and every value sealed with it, beside a running serve; or a "
             "new master key before that, while nothing runs",
             "secrets rekey\n  gatehouse secrets rekey --master", secrets_rekey);
    auto* master = rekey->add_flag(
        "--master", wanted.master,
        "Another master key first, and everything that rests on it sealed anew: what opened an "
        "older copy of the seal opens nothing any more. Stop everything that uses the vault");
    rekey
        ->add_option("--keep-recovery-key", wanted.kept_recovery_keys,
                     "With --master: the recovery key with this public key is mine; once for each")
        ->allow_extra_args(false)
        ->needs(master);
    auto* recovery = verb("recovery-key", "One more key that opens the vault; prints it, this once",
                          "secrets recovery-key > /media/safe/recovery.txt\n"
                          "  gatehouse secrets recovery-key --list",
                          secrets_recovery_key);
    auto* listed = recovery->add_flag("--list", wanted.list_recovery_keys,
                                      "None more: public keys of those that there are");
    recovery
        ->add_option("--withdraw", wanted.withdrawn_key,
                     "None more: the one with this public key opens the vault no longer")
        ->excludes(listed);
    auto* unseal = verb("unseal",
                        "Seal the vault for what the configuration names now, opened with what "
                        "opened it so far",
                        "secrets unseal --config gatehouse.yaml\n"
                        "  gatehouse secrets unseal --recovery-key-stdin < recovery.txt",
                        secrets_unseal);
    CLI::Option* const ways[] = {
        unseal->add_option(
            "--old-key-file", wanted.old_key_file,
            "What opened it so far; keys/master.key in the data directory by default"),
        unseal->add_flag("--old-key-stdin", wanted.old_key,
                         "Standard input is the key that opened it so far, wherever it was"),
        unseal->add_option("--old-tpm", wanted.old_tpm,
                           "The TPM that opened it so far: /dev/tpmrm0"),
        unseal->add_option(
            "--old-azure-key", wanted.old_azure_key,
            "The key of the Key Vault of vault.azure that opened it so far, by name"),
        unseal->add_flag("--old-passphrase-stdin", wanted.old_passphrase,
                         "Standard input is the passphrase that opened it so far"),
        unseal->add_flag("--recovery-key-stdin", wanted.recovery_key,
                         "Standard input is a recovery key")};
    for (auto* way : ways)
        for (auto* other : ways)
            if (way != other) way->excludes(other);
}

}  // namespace

void add_secrets(CLI::App& app, Options& options) {
    auto* secrets = app.add_subcommand("secrets", "The vault");
    secrets->require_subcommand(1);
    secrets->footer(
        "Examples:\n  printf %s \"$PASSWORD\" | gatehouse secrets set team/database\n"
        "  gatehouse secrets get team/database\n  gatehouse secrets import .env --backup\n"
        "  gatehouse secrets rekey");
    add_values(Verbs(*secrets, options), options.secrets);
    add_import(*secrets, options);
    add_seal(Verbs(*secrets, options), options.secrets);
    add_rotation(*secrets, options);
}

}  // namespace gh::app
