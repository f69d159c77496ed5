#include "config/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/try.hpp"
#include "config/file.hpp"
#include "config/text.hpp"

namespace gh::config {
namespace {

constexpr std::size_t reference_file_bytes_max = 64 * 1024;
constexpr std::string_view references_allowed =
    "allowed: ${env:NAME}, ${file:PATH}, ${secret:PATH#FIELD}";

std::unexpected<Error> bad_reference(std::string detail) {
    return fail(ErrorKind::invalid_argument, "config.reference", std::move(detail));
}

bool is_variable_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return !name.empty() && (name.front() < '0' || name.front() > '9') &&
           std::ranges::all_of(name, allowed);
}

}  // namespace

Reader::Step Reader::enter(std::string_view key) {
    const auto length = path_.size();
    if (!path_.empty()) path_ += '.';
    path_ += key;
    return Step(path_, length);
}

Reader::Step Reader::enter(std::size_t index) {
    const auto length = path_.size();
    fmt::format_to(std::back_inserter(path_), "[{}]", index);
    return Step(path_, length);
}

Problem Reader::problem(Position at, std::string text) const {
    return Problem{sources_.file, at.line, path_, std::move(text)};
}

void Reader::refuse(Position at, std::string text) { problems_.add(problem(at, std::move(text))); }

std::filesystem::path Reader::resolve(const std::string& path) const {
    return (sources_.folder / path).lexically_normal();
}

void Reader::note_literal_secret(const Node& node) {
    literal_secrets_.add(
        problem(node.at(),
                "a secret must not stand in the configuration itself, allowed: ${env:NAME} "
                "or ${file:PATH}"));
}

std::optional<Scalar> Reader::scalar(const Node& node, std::string_view wanted) {
    const auto written = parts(node, wanted, {});
    if (!written) return std::nullopt;
    Scalar out{
        .text = {}, .shown = quote(node.text()), .quoted = node.quoted(), .referenced = false};
    for (const auto& part : *written) out.text += part.text;
    if (origins_.find(path_) != nullptr) {
        out.quoted = false;
        out.referenced = true;
    }
    return out;
}

std::optional<std::vector<TextPart>> Reader::parts(const Node& node, std::string_view wanted,
                                                   std::span<const std::string_view> placeholders) {
    if (node.kind() != Node::Kind::scalar) {
        refuse(node, fmt::format("is {}, wanted: {}", name_of(node.kind()), wanted));
        return std::nullopt;
    }
    bool referenced = false;
    auto expanded = expand(node.text(), placeholders, referenced);
    if (!expanded) {
        refuse(node, std::move(expanded.error().detail));
        return std::nullopt;
    }
    if (referenced) origins_.note(path_, node.text());
    return *std::move(expanded);
}

/// "$${" stands for a literal "${".
Result<std::vector<TextPart>> Reader::expand(std::string_view text,
                                             std::span<const std::string_view> placeholders,
                                             bool& referenced) const {
    std::vector<TextPart> out(1);
    const auto literal = [&out](std::string_view piece) {
        if (out.back().placeholder) out.emplace_back();
        out.back().text += piece;
    };
    while (true) {
        const auto start = text.find("${");
        if (start == std::string_view::npos) break;
        if (start > 0 && text[start - 1] == '$') {
            literal(text.substr(0, start - 1));
            literal("${");
            text.remove_prefix(start + 2);
            continue;
        }
        const auto end = text.find('}', start);
        if (end == std::string_view::npos) return bad_reference("a reference is not closed with }");
        const auto inside = text.substr(start + 2, end - start - 2);
        if (start > 0) literal(text.substr(0, start));
        text.remove_prefix(end + 1);
        if (std::ranges::find(placeholders, inside) != placeholders.end()) {
            out.push_back({.text = std::string(inside), .placeholder = true});
            continue;
        }
        GH_TRY(const auto value, follow(inside, placeholders));
        literal(value);
        out.back().referenced.push_back({out.back().text.size() - value.size(), value.size()});
        referenced = true;
    }
    if (!text.empty()) literal(text);
    if (out.size() > 1 && out.front().text.empty()) out.erase(out.begin());
    return out;
}

Result<std::string> Reader::follow(std::string_view reference,
                                   std::span<const std::string_view> placeholders) const {
    const auto colon = reference.find(':');
    const auto kind = reference.substr(0, colon);
    const auto name =
        colon == std::string_view::npos ? std::string_view{} : reference.substr(colon + 1);
    if (kind == "env") {
        if (!is_variable_name(name)) {
            return bad_reference(fmt::format(
                "{} is not the name of a variable, allowed: letters, digits and _; there "
                "are no defaults",
                quote(name)));
        }
        const auto value = sources_.environment ? sources_.environment->find(name) : std::nullopt;
        if (!value)
            return bad_reference(fmt::format("the environment variable {} is not set", name));
        if (value->empty())
            return bad_reference(fmt::format("the environment variable {} is empty", name));
        if (find_unreadable(*value)) {
            return bad_reference(
                fmt::format("the environment variable {} does not hold UTF-8 text", name));
        }
        return std::string(*value);
    }
    if (kind == "file") {
        if (name.empty()) return bad_reference("${file:PATH} without a path");
        auto content = read_file(resolve(std::string(name)), reference_file_bytes_max);
        if (!content)
            return bad_reference("the file of a reference cannot be used: " +
                                 content.error().detail);
        if (content->ends_with('\n')) content->pop_back();
        if (content->ends_with('\r')) content->pop_back();
        if (content->empty())
            return bad_reference(fmt::format("the file {} is empty", quote(name)));
        if (find_unreadable(*content)) {
            return bad_reference(fmt::format("the file {} does not hold UTF-8 text", quote(name)));
        }
        return content;
    }
    if (kind == "secret") {
        if (sources_.resolver == nullptr) return bad_reference("the vault is not configured");
        const auto hash = name.find('#');
        const auto field =
            hash == std::string_view::npos ? std::string_view{} : name.substr(hash + 1);
        auto value = sources_.resolver->resolve(name.substr(0, hash), field);
        if (!value)
            return bad_reference(
                fmt::format("the secret {} cannot be read: {}", quote(name), value.error().detail));
        return value;
    }
    if (placeholders.empty()) {
        return bad_reference(
            fmt::format("{} is no reference, {}", quote(reference), references_allowed));
    }
    return bad_reference(fmt::format("{} is no reference, {}, and here ${{{}}}", quote(reference),
                                     references_allowed, fmt::join(placeholders, "}, ${")));
}

}  // namespace gh::config
