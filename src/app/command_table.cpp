#include "app/command_table.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

namespace gh::app {
namespace {

/// "TEXT:{a,b}" -> a, b: how CLI11 describes IsMember.
std::vector<std::string> choices_in(std::string_view type) {
    const auto open = type.find('{');
    const auto close = type.rfind('}');
    std::vector<std::string> choices;
    if (open == type.npos || close == type.npos || close < open) return choices;
    type = type.substr(open + 1, close - open - 1);
    while (!type.empty()) {
        const auto end = std::min(type.find(','), type.size());
        choices.emplace_back(type.substr(0, end));
        type.remove_prefix(std::min(type.size(), end + 1));
    }
    return choices;
}

CommandArgument argument_of(const CLI::Option& option) {
    CommandArgument argument{.names = {},
                             .what = option.get_description(),
                             .choices = choices_in(option.get_type_name()),
                             .positional = option.get_positional(),
                             .required = option.get_required(),
                             .takes_value = option.get_items_expected_max() > 0};
    if (argument.positional) {
        argument.names.push_back(option.get_name(true));
        return argument;
    }
    for (const auto& name : option.get_snames()) argument.names.push_back("-" + name);
    for (const auto& name : option.get_lnames()) argument.names.push_back("--" + name);
    return argument;
}

CommandVerb verb_of(const CLI::App& app, const std::string& path) {
    CommandVerb verb{.path = path,
                     .what = app.get_description(),
                     .footer = app.get_footer(),
                     .arguments = {},
                     .verbs = {},
                     .wants_verb = app.get_require_subcommand_min() > 0};
    for (const auto* option : app.get_options()) {
        if (!option->get_group().empty()) verb.arguments.push_back(argument_of(*option));
    }
    for (const auto* below : app.get_subcommands([](const CLI::App*) { return true; })) {
        verb.verbs.push_back(
            verb_of(*below, path.empty() ? below->get_name() : path + " " + below->get_name()));
    }
    return verb;
}

}  // namespace

CommandVerb command_table(const CLI::App& app) { return verb_of(app, {}); }

std::vector<const CommandVerb*> all_verbs(const CommandVerb& verb) {
    std::vector<const CommandVerb*> all{&verb};
    for (const auto& below : verb.verbs) {
        const auto inner = all_verbs(below);
        all.insert(all.end(), inner.begin(), inner.end());
    }
    return all;
}

std::string placeholder_of(const CommandArgument& argument) {
    const auto name = argument.names.back();
    if (argument.positional) return name;
    std::string text;
    for (const char c : name.substr(name.find_first_not_of('-')))
        text.push_back(c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c));
    return text;
}

}  // namespace gh::app
