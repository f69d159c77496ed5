#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <vector>

#include "crypto/secret.hpp"
#include "vault/secret.hpp"
#include "windows/api.hpp"
#include "windows/system.hpp"
#include "windows/verbs.hpp"
// Behind Windows' own.
#include <fcntl.h>
#include <io.h>

namespace gh::windows {
namespace {

/// All of standard input but the end of its last line; one octet more than is allowed tells that it is too long.
/// Nothing: it could not be read to its end.
std::optional<crypto::Secret> typed_text() {
    std::string text;
    text.reserve(vault::secret_bytes_max + 3);  // what grew elsewhere would not be wiped
    for (int c = std::fgetc(stdin); c != EOF && text.size() < vault::secret_bytes_max + 3;
         c = std::fgetc(stdin)) {
        text.push_back(static_cast<char>(c));
    }
    std::string_view typed = text;
    if (typed.ends_with('\n')) typed.remove_suffix(1);
    if (typed.size() < text.size() && typed.ends_with('\r')) typed.remove_suffix(1);
    crypto::Secret secret(typed);
    crypto::wipe(text.data(), text.size());
    if (std::ferror(stdin) != 0) return std::nullopt;
    return secret;
}

CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& what,
                   const std::string& example, Said& said) {
    auto* verb = app.add_subcommand(name, what);
    verb->footer("Example:\n  gatehouse-secrets " + example);
    verb->add_option("--data", said.data, "Data directory; the store is in its folder secrets")
        ->capture_default_str();
    verb->add_flag("--quiet", said.quiet, "Say nothing of the store itself");
    return verb;
}

struct Command {
    CLI::App* line;
    Verb run;
    bool reads = false;  ///< standard input
};

std::vector<Command> add_verbs(CLI::App& app, Said& said) {
    auto* const set_verb = add_verb(app, "set", "Write a secret: standard input is the value",
                                    "set team/database < password.txt", said);
    auto* const get_verb = add_verb(app, "get", "Print a secret", "get team/database", said);
    auto* const list_verb = add_verb(app, "list", "Names below a folder", "list team/", said);
    auto* const delete_verb = add_verb(app, "delete", "Delete it", "delete team/database", said);
    auto* const check_verb =
        add_verb(app, "check", "Write, read, list and delete a secret of its own", "check", said);
    auto* const key_verb = add_verb(
        app, "recovery-key", "One more key that opens the store; prints it, this once",
        "recovery-key > E:\\safe\\recovery.txt\n  gatehouse-secrets recovery-key --list", said);
    auto* const recover_verb =
        add_verb(app, "recover", "Seal the store for this user; standard input is a recovery key",
                 "recover < E:\\safe\\recovery.txt", said);
    for (auto* each : {set_verb, get_verb, delete_verb})
        each->add_option("PATH", said.path, "Such as team/database")->required();
    list_verb->add_option("FOLDER", said.path, "Such as team/; the whole store by default");
    for (auto* each : {set_verb, get_verb})
        each->add_option("--field", said.field, "Of the secret; value by default");
    set_verb->add_flag("--json", said.json, "Standard input is a JSON object: all fields");
    get_verb->add_flag("--json", said.json, "All fields, as a JSON object");
    list_verb->add_flag("--json", said.json, "As a JSON array");
    auto* const listed =
        key_verb->add_flag("--list", said.list, "None more: ids of those that there are");
    key_verb
        ->add_option("--withdraw", said.withdrawn,
                     "None more: this one opens it no longer, nor do the others; make new ones")
        ->excludes(listed);
    return {{set_verb, set, true},        {get_verb, get},     {list_verb, list},
            {delete_verb, remove},        {check_verb, check}, {key_verb, recovery_key},
            {recover_verb, recover, true}};
}

int show(Outcome outcome) {
    std::fwrite(outcome.err.data(), 1, outcome.err.size(), stderr);
    const bool out =
        std::fwrite(outcome.out.data(), 1, outcome.out.size(), stdout) == outcome.out.size() &&
        std::fflush(stdout) == 0;
    crypto::wipe(outcome.out.data(), outcome.out.size());
    if (out) return outcome.exit_code;
    auto said = "gatehouse-secrets: standard output could not be written\n" +
                (outcome.if_unseen ? outcome.if_unseen() : std::string());
    std::fwrite(said.data(), 1, said.size(), stderr);
    return 1;
}

int run(std::vector<std::string> arguments) {
    Said said;
    CLI::App app("Secrets in one file that a user of Windows opens, by the Data Protection API");
    app.name("gatehouse-secrets");
    app.set_version_flag("--version", GATEHOUSE_VERSION);
    app.require_subcommand(1);
    app.footer(
        "Values come from standard input, never from the command line.\nExamples:\n"
        "  gatehouse-secrets set team/database < password.txt\n"
        "  gatehouse-secrets get team/database\n"
        "  gatehouse-secrets recovery-key > E:\\safe\\recovery.txt");
    const auto commands = add_verbs(app, said);
    std::ranges::reverse(arguments);  // as the parser wants them
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    for (const auto& each : commands) {
        if (!each.line->parsed()) continue;
        if (each.reads) {
            auto typed = typed_text();
            if (!typed) {
                return show({.exit_code = 1,
                             .err = "gatehouse-secrets: standard input could not be read to its "
                                    "end\n"});
            }
            said.typed = *std::move(typed);
        }
        return show(each.run(said));
    }
    return 2;
}

}  // namespace
}  // namespace gh::windows

int wmain(int argc, wchar_t** argv) {
    ::_setmode(::_fileno(stdin), _O_BINARY);
    ::_setmode(::_fileno(stdout), _O_BINARY);
    std::vector<std::string> arguments;
    for (int i = 1; i < argc; ++i) arguments.push_back(gh::windows::utf8_of(argv[i]));
    try {
        return gh::windows::run(std::move(arguments));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "gatehouse-secrets: %s\n", error.what());
        return 1;
    }
}
