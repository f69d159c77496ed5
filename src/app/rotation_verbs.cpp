#include <CLI/CLI.hpp>
#include <string>

#include "app/verb_options.hpp"

namespace gh::app {
namespace {

using Run = CommandResult (*)(const Overrides&, const Surroundings&, const RotationOptions&);

/// Makes verbs below another.
class Verbs {
 public:
    Verbs(CLI::App& parent, Options& options) : parent_(parent), options_(options) {}
    CLI::App* operator()(const std::string& name, const std::string& what,
                         const std::string& example, Run run) const {
        auto& options = options_;
        return add_state_verb(parent_, options, name, what, example, [&options, run] {
            return run(state_overrides(options), surroundings(), options.rotation);
        });
    }

 private:
    CLI::App& parent_;
    Options& options_;
};

void add_generator(CLI::App& set, RotationOptions& wanted) {
    set.add_option("--generator", wanted.generator, "random (the default), key-pair or postgresql")
        ->check(CLI::IsMember({"random", "key-pair", "postgresql"}));
    set.add_option("--length", wanted.length, "Characters of a random text or password: 32");
    set.add_option("--alphabet", wanted.alphabet, "Of them: letters and digits");
    set.add_option("--field", wanted.field, "random: which one is replaced; value by default");
    set.add_option("--key-type", wanted.key_type,
                   "key-pair: ed25519 (the default), ecdsa-p256, rsa-2048, rsa-3072, rsa-4096");
    set.add_option("--private-field", wanted.private_field, "key-pair: private_key by default");
    set.add_option("--public-field", wanted.public_field, "key-pair: public_key by default");
    set.add_option("--connection", wanted.connection,
                   "postgresql: vault:PATH of the secret whose field url says where and as whom");
    set.add_option("--database", wanted.database,
                   "postgresql: to log in to with the new password; that of the URL by default");
    set.add_option("--role", wanted.roles, "postgresql: one, or twice for two that take turns")
        ->allow_extra_args(false);
}

void add_set(const Verbs& verb, RotationOptions& wanted) {
    auto* set = verb("set", "Have a secret replaced by itself",
                     "secrets rotation set team/token --every 30d --overlap 24h\n"
                     "  gatehouse secrets rotation set team/db --generator postgresql \\\n"
                     "    --connection vault:team/admin --role app_a --role app_b \\\n"
                     "    --every 30d --overlap 24h --hold 7d --after-hold roll-back",
                     rotation_set);
    set->add_option("PATH", wanted.path, "Such as team/database")->required();
    set->add_option("--every", wanted.every, "Such as 30d; without it, when somebody asks");
    set->add_option("--overlap", wanted.overlap, "How long the version before stays good: 0s");
    set->add_option("--hold", wanted.hold,
                    "How much longer at most, where a consumer has not moved: 0s");
    set->add_option("--after-hold", wanted.after_hold, "Then: proceed (the default) or roll-back")
        ->check(CLI::IsMember({"proceed", "roll-back"}));
    set->add_option("--consumer", wanted.consumers,
                    "Who must have moved, such as api_key:billing; once for each; without it, "
                    "everybody who was seen")
        ->allow_extra_args(false);
    add_generator(*set, wanted);
}

}  // namespace

void add_rotation(CLI::App& secrets, Options& options) {
    auto& wanted = options.rotation;
    auto* now = Verbs(secrets, options)("rotate", "Replace a secret now",
                                        "secrets rotate team/database", secrets_rotate);
    now->add_option("PATH", wanted.path, "Such as team/database")->required();
    auto* rotation = secrets.add_subcommand("rotation", "Secrets that are replaced by themselves");
    rotation->require_subcommand(1);
    const Verbs verb(*rotation, options);
    add_set(verb, wanted);
    auto* show = verb("show", "How a secret is rotated, and how far that is",
                      "secrets rotation show team/database", rotation_show);
    auto* list = verb("list", "All of them", "secrets rotation list", rotation_list);
    auto* remove = verb("delete", "Rotate a secret no longer",
                        "secrets rotation delete team/database", rotation_delete);
    auto* history = verb("history", "What was tried, the newest first",
                         "secrets rotation history team/database", rotation_history);
    auto* consumers = verb("consumers", "Who reads it, and which version last",
                           "secrets rotation consumers team/database", rotation_consumers);
    auto* forget = verb("forget-consumer", "A reader that is no more holds nothing",
                        "secrets rotation forget-consumer team/database api_key:billing",
                        rotation_forget_consumer);
    auto* proceed = verb("proceed", "End the version before now",
                         "secrets rotation proceed team/database", rotation_proceed);
    auto* back = verb("roll-back", "Make the version before current again",
                      "secrets rotation roll-back team/database", rotation_roll_back);
    for (auto* each : {show, remove, history, consumers, forget, proceed, back})
        each->add_option("PATH", wanted.path, "Such as team/database")->required();
    for (auto* each : {show, list, history, consumers})
        each->add_flag("--json", wanted.json, "As the API has it");
    forget->add_option("CONSUMER", wanted.consumer, "Such as api_key:billing")->required();
    remove->add_flag("--force", wanted.force,
                     "Also while a rotation is under way: then nobody ends the version before, and "
                     "a password that the one role of a server may have is a deleted version");
}

}  // namespace gh::app
