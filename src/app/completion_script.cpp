#include "app/completion_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace gh::app {
namespace {

/// What both shells ask: sets verbs, options, taking (options that want a value) and files (a file may stand here) for the
/// verb in $1, and values for the option in $2. Words are of the house's own making: none needs quoting.
std::string table(const CommandVerb& program) {
    std::string rows, values;
    for (const auto* verb : all_verbs(program)) {
        std::string verbs, options, taking;
        bool files = false;
        for (const auto& below : verb->verbs)
            verbs += " " + below.path.substr(below.path.rfind(' ') + 1);
        for (const auto& each : verb->arguments) {
            if (each.positional) {
                files = files || each.names.front() == "FILE";
                if (!each.choices.empty())
                    verbs += fmt::format(" {}", fmt::join(each.choices, " "));
                continue;
            }
            for (const auto& name : each.names) {
                options += " " + name;
                if (!each.takes_value) continue;
                taking += " " + name;
                if (each.choices.empty()) continue;
                fmt::format_to(std::back_inserter(values), "    '{} {}') values='{}' ;;\n",
                               verb->path, name, fmt::join(each.choices, " "));
            }
        }
        fmt::format_to(std::back_inserter(rows),
                       "    '{}') verbs='{}' options='{}' taking='{} ' files='{}' ;;\n", verb->path,
                       verbs, options, taking, files ? "yes" : "");
    }
    return fmt::format(
        "_gatehouse_table() {{\n    case \"$1\" in\n{}    esac\n    values=''\n    case \"$1 $2\" "
        "in\n{}    esac\n}}\n",
        rows, values);
}

/// Walks over the words before the one under the cursor. Leaves the verb in $at and, where its value comes next, the option
/// in $option.
constexpr std::string_view walk = R"(_gatehouse_walk() {
    local word
    at='' option=''
    _gatehouse_table '' ''
    for word in "$@"; do
        if [[ -n $option ]]; then
            [[ $word == '=' ]] || option=''
        elif [[ $word == -* ]]; then
            [[ $taking == *" $word "* ]] && option=$word
        elif [[ " $verbs " == *" $word "* ]]; then
            at=${at:+$at }$word
            _gatehouse_table "$at" ''
        fi
    done
    _gatehouse_table "$at" "$option"
}
)";

constexpr std::string_view for_bash = R"(_gatehouse() {
    local cur=${COMP_WORDS[COMP_CWORD]} at option verbs options taking files values
    _gatehouse_walk "${COMP_WORDS[@]:1:COMP_CWORD-1}"
    [[ $cur == '=' && -n $option ]] && cur=''
    COMPREPLY=()
    if [[ -n $option && -n $values ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
    elif [[ -z $option && $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    elif [[ -z $option && -n $verbs ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
    fi
    if [[ ${#COMPREPLY[@]} -eq 0 && (-n $option && -z $values || -z $option && -n $files && $cur != -*) ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -F _gatehouse gatehouse
)";

constexpr std::string_view for_zsh = R"(_gatehouse() {
    local cur=${words[CURRENT]} at option verbs options taking files values
    _gatehouse_walk "${(@)words[2,CURRENT-1]}"
    if [[ -n $option ]]; then
        if [[ -n $values ]]; then compadd -- ${=values}; else _files; fi
    elif [[ $cur == -* ]]; then
        compadd -- ${=options}
    else
        [[ -z $verbs ]] || compadd -- ${=verbs}
        [[ -z $files ]] || _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _gatehouse "$@"; else compdef _gatehouse gatehouse; fi
)";

}  // namespace

std::string bash_completion(const CommandVerb& program) {
    return fmt::format("# Made by `gatehouse completion bash`.\n{}{}{}", table(program), walk,
                       for_bash);
}

std::string zsh_completion(const CommandVerb& program) {
    return fmt::format("#compdef gatehouse\n# Made by `gatehouse completion zsh`.\n{}{}{}",
                       table(program), walk, for_zsh);
}

}  // namespace gh::app
