#include "config/text.hpp"
#include "config/yaml.hpp"

namespace gh::config {
namespace {

/// May this text stand without quotes and be read back as the same text? Cautious: quotes never hurt.
bool plain_is_safe(std::string_view text) {
    if (reads_as_other_than_text(text)) return false;
    const auto safe = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == '/' || c == '-';
    };
    for (const char c : text) {
        if (!safe(c)) return false;
    }
    return text.front() != '-' && text.front() != '.';
}

std::string scalar_text(const Node& node) {
    const auto& text = node.text();
    const bool number_or_word = !node.quoted() && !text.empty() && reads_as_other_than_text(text);
    return number_or_word || plain_is_safe(text) ? text : json_string(text);
}

void write(const Node& node, std::size_t indent, std::string& out);

/// What follows "key:" or "-" on the same line, or below it.
void write_after(const Node& node, std::size_t indent, std::string_view gap, std::string& out) {
    if (node.kind() == Node::Kind::null) {
        out += " null\n";
    } else if (node.kind() == Node::Kind::scalar) {
        out += ' ';
        out += scalar_text(node);
        out += '\n';
    } else if (node.size() == 0) {
        out += node.kind() == Node::Kind::map ? " {}\n" : " []\n";
    } else {
        out += gap;
        write(node, indent, out);
    }
}

void write(const Node& node, std::size_t indent, std::string& out) {
    bool first = true;
    for (std::size_t i = 0; i < node.size(); ++i) {
        const auto& child = node.child(i);
        // The first line of a map inside a list stands behind its dash.
        if (!first || out.empty() || out.back() == '\n') out.append(indent, ' ');
        first = false;
        if (node.kind() == Node::Kind::sequence) {
            out += '-';
            write_after(child, indent + 2, " ", out);
        } else {
            const auto& name = node.key(i).name;
            out += plain_is_safe(name) ? name : json_string(name);
            out += ':';
            write_after(child, indent + 2, "\n", out);
        }
    }
}

}  // namespace

std::string write_yaml(const Node& node) {
    std::string out;
    if (node.kind() == Node::Kind::scalar) return scalar_text(node) + "\n";
    if (node.size() == 0) return node.kind() == Node::Kind::sequence ? "[]\n" : "{}\n";
    write(node, 0, out);
    return out;
}

}  // namespace gh::config
