#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gh::app {

/// One thing that may stand behind a verb.
struct CommandArgument {
    std::vector<std::string> names;  ///< "--config"; of a positional one its placeholder, "FILE"
    std::string what;
    std::vector<std::string> choices;  ///< all that it may be; empty: anything
    bool positional = false;
    bool required = false;
    bool takes_value = false;
};

/// A verb with what stands behind it, as `--help` shows it: the manual page and the shells' completion are made of it.
struct CommandVerb {
    std::string path;  ///< "user add"; empty: the program itself
    std::string what;
    std::string footer;  ///< examples and more, lines
    std::vector<CommandArgument> arguments;
    std::vector<CommandVerb> verbs;
    bool wants_verb = false;  ///< alone it does nothing
};

[[nodiscard]] CommandVerb command_table(const CLI::App& app);
/// `verb` and all below it, each before those below.
[[nodiscard]] std::vector<const CommandVerb*> all_verbs(const CommandVerb& verb);
/// "serve [--config CONFIG] ...": as a synopsis has it, without the program's name.
[[nodiscard]] std::string placeholder_of(const CommandArgument& argument);

}  // namespace gh::app
