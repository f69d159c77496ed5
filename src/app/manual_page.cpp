#include "app/manual_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "app/version.hpp"

namespace gh::app {
namespace {

/// Text of which roff makes nothing else: no escapes, no request at the beginning of a line, hyphens as they are typed.
std::string plain(std::string_view text) {
    std::string out;
    bool begins = true;
    for (const char c : text) {
        if (begins && (c == '.' || c == '\'')) out += "\\&";
        begins = c == '\n';
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else {
            out += c;
        }
    }
    return out;
}

std::string bold(std::string_view text) { return "\\fB" + plain(text) + "\\fR"; }
std::string slanted(std::string_view text) { return "\\fI" + plain(text) + "\\fR"; }

/// In lines that fit: a break is a space to roff, and none comes before what would be a request there.
std::string sentence(std::string text) {
    constexpr std::size_t column_max = 72;
    if (!text.empty() && std::string_view(".?:").find(text.back()) == std::string_view::npos)
        text += ".";
    std::size_t begin = 0;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if (text[i] == '\n') begin = i + 1;
        const auto word_end = std::min(text.find_first_of(" \n", i + 1), text.size());
        if (text[i] != ' ' || word_end - begin <= column_max) continue;
        if (text[i + 1] == '.' || text[i + 1] == '\'') continue;
        text[i] = '\n';
        begin = i + 1;
    }
    return plain(text);
}

/// Lines that begin with two spaces are typed or printed; others are sentences.
std::string with_examples(std::string_view footer) {
    std::string out;
    bool typed = false;
    while (!footer.empty()) {
        const auto line = footer.substr(0, footer.find('\n'));
        footer.remove_prefix(std::min(footer.size(), line.size() + 1));
        const bool code = line.starts_with("  ");
        if (code != typed) out += code ? ".PP\n.EX\n" : ".EE\n.PP\n";
        typed = code;
        out += (code ? plain(line) : sentence(std::string(line))) + "\n";
    }
    return typed ? out + ".EE\n" : out;
}

std::string synopsis(const CommandVerb& verb) {
    std::string out = bold(verb.path.empty() ? "gatehouse" : "gatehouse " + verb.path);
    bool options = false;
    for (const auto& each : verb.arguments) {
        if (!each.positional) {
            options = true;
            continue;
        }
        out += each.required ? " " + slanted(each.names.front())
                             : fmt::format(" [{}]", slanted(each.names.front()));
    }
    if (verb.wants_verb) out += " " + slanted("VERB");
    if (options) out += " [" + slanted("OPTIONS") + "]";
    return out;
}

std::string argument(const CommandArgument& each) {
    std::string out = ".TP\n";
    if (each.positional) {
        out += slanted(each.names.front());
    } else {
        for (std::size_t i = 0; i < each.names.size(); ++i)
            out += (i > 0 ? ", " : "") + bold(each.names[i]);
        if (each.takes_value) out += " " + slanted(placeholder_of(each));
    }
    out += "\n" + sentence(each.what);
    if (!each.choices.empty())
        out += fmt::format("\nOne of {}.", plain(fmt::format("{}", fmt::join(each.choices, ", "))));
    if (each.required && !each.positional) out += "\nIt must be given.";
    return out + "\n";
}

std::string section(const CommandVerb& verb) {
    std::string out = fmt::format(".SS {}\n{}\n", synopsis(verb), sentence(verb.what));
    for (const auto& each : verb.arguments) {
        if (each.names.front() == "-h") continue;  // said once
        out += argument(each);
    }
    if (!verb.footer.empty()) out += ".PP\n" + with_examples(verb.footer);
    return out;
}

std::string title(std::string_view name, int number, std::string_view what) {
    return fmt::format(".TH {} {} \"\" \"Gatehouse {}\" \"{}\"\n", name, number, plain(version()),
                       what);
}

constexpr std::string_view end_of_page =
    ".SH EXIT STATUS\n.TP\n0\nDone.\n.TP\n1\nNot done; the reason is on standard error.\n.TP\n2\n"
    "The configuration or the use is wrong; nothing was done.\n"
    ".SH SIGNALS\nOf\n.BR \"gatehouse serve\" :\n"
    ".TP\n.B SIGHUP\nReads the configuration again; one that is wrong changes nothing.\n"
    ".TP\n.B SIGUSR1\nOpens the access log anew, for\n.BR logrotate (8).\n"
    ".TP\n.B SIGTERM, SIGINT\nTakes no new connection, lets what is open end, and stops.\n"
    ".SH ENVIRONMENT\nVariables override the configuration file.\n"
    ".B gatehouse config show\nshows what comes of both, and the sample file of variables in\n"
    ".I /usr/share/doc/gatehouse\nlists them all.\n"
    ".SH FILES\n.TP\n.I /etc/gatehouse/gatehouse.yaml\nThe configuration of the service.\n"
    ".TP\n.I /etc/gatehouse/environment\nIts environment variables, if there is such a file.\n"
    ".TP\n.I /var/lib/gatehouse\nIts state: keys, certificates, the database.\n"
    ".TP\n.I /var/log/gatehouse\nIts access log.\n"
    ".SH SEE ALSO\n.BR gatehouse.yaml (5),\n.BR systemctl (1),\n.BR logrotate (8)\n";

std::string kind_of(const config::Shape& shape) {
    using Kind = config::Shape::Kind;
    switch (shape.kind) {
        case Kind::text: return shape.secret ? "a reference to a secret" : "text";
        case Kind::integer: return "whole number";
        case Kind::number: return "number";
        case Kind::boolean: return "true or false";
        case Kind::duration: return "duration";
        case Kind::size: return "size";
        case Kind::choice: return fmt::format("{}", fmt::join(shape.choices, ", "));
        case Kind::list: return "list";
        case Kind::map: return "map";
        case Kind::object: return "keys below";
        case Kind::either: break;
    }
    std::string out;
    for (const auto& each : shape.inner) out += (out.empty() ? "" : "; or ") + kind_of(each);
    return out;
}

void write_keys(std::string& out, const config::Shape& shape, const std::string& path) {
    for (const auto& inner : shape.inner)
        write_keys(out, inner, shape.kind == config::Shape::Kind::list ? path + "[]" : path);
    for (const auto& property : shape.properties) {
        const auto key = path.empty() ? property.name : path + "." + property.name;
        fmt::format_to(std::back_inserter(out), ".TP\n{} ({}){}\n{}\n", bold(key),
                       plain(kind_of(property.shape)), property.required ? ", required" : "",
                       sentence(property.doc));
        write_keys(out, property.shape, key);
    }
}

}  // namespace

std::string manual_page(const CommandVerb& program) {
    auto out = title("GATEHOUSE", 1, "User Commands");
    fmt::format_to(std::back_inserter(out),
                   ".SH NAME\ngatehouse \\- security and operations plane in front of AI\\-agent "
                   "backends\n.SH SYNOPSIS\n{}\n.SH DESCRIPTION\n{}\n.PP\nEach verb shows its "
                   "options and an example with\n.BR \\-\\-help .\n.SH VERBS\n",
                   bold("gatehouse") + " " + slanted("VERB") + " [" + slanted("OPTIONS") + "]",
                   sentence(program.what));
    for (const auto* verb : all_verbs(program)) {
        if (!verb->path.empty()) out += section(*verb);
    }
    return out.append(end_of_page);
}

std::string manual_page_of_settings(const config::Shape& settings) {
    auto out = title("GATEHOUSE.YAML", 5, "File Formats");
    out +=
        ".SH NAME\ngatehouse.yaml \\- configuration of gatehouse\n.SH DESCRIPTION\nOne YAML "
        "document, read strictly:\nan unknown key, a wrong type or a contradiction is an error.\n"
        ".B gatehouse config check\n.I FILE\ntells of all of them with their lines.\n.PP\n"
        "A duration is a whole number with ms, s, m, h or d;\na size one with kB, MB, GB, KiB, "
        "MiB "
        "or GiB.\nAny value may be \\fB${env:NAME}\\fR, \\fB${file:PATH}\\fR or\n"
        "\\fB${secret:PATH#FIELD}\\fR;\na secret must be.\n.SH KEYS\nOf lists, which are marked "
        "by [], for each entry.\n";
    write_keys(out, settings, {});
    return out + ".SH SEE ALSO\n.BR gatehouse (1)\n";
}

}  // namespace gh::app
