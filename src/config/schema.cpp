#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "config/shape.hpp"
#include "config/text.hpp"

namespace gh::config {
namespace {

constexpr std::string_view reference =
    R"({"type": "string", "pattern": "\\$\\{(env|file|secret):[^}]+\\}"})";

std::string indented(std::size_t depth) { return std::string(2 * depth, ' '); }

std::string bounds(const Shape& shape, std::string_view least, std::string_view most) {
    std::string out;
    if (shape.least) fmt::format_to(std::back_inserter(out), R"(, "{}": {})", least, *shape.least);
    if (shape.most) fmt::format_to(std::back_inserter(out), R"(, "{}": {})", most, *shape.most);
    return out;
}

bool is_number(std::string_view word) {
    return !word.empty() &&
           std::ranges::all_of(word, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

/// The members of a schema object, without braces.
std::string members(const Shape& shape, std::size_t depth);

std::string object_members(const Shape& shape, std::size_t depth) {
    std::string properties, required;
    for (const auto& property : shape.properties) {
        if (!properties.empty()) properties += ",";
        fmt::format_to(std::back_inserter(properties), "\n{}{}: {{\"description\": {}, {}}}",
                       indented(depth + 1), json_string(property.name), json_string(property.doc),
                       members(property.shape, depth + 1));
        if (!property.required) continue;
        if (!required.empty()) required += ", ";
        required += json_string(property.name);
    }
    return fmt::format(
        "\"type\": \"object\", \"additionalProperties\": false{}, \"properties\": {{{}\n{}}}",
        required.empty() ? "" : fmt::format(R"(, "required": [{}])", required), properties,
        indented(depth));
}

std::string members(const Shape& shape, std::size_t depth) {
    switch (shape.kind) {
        case Shape::Kind::text:
            return shape.secret ? R"("type": "string", "writeOnly": true)" : R"("type": "string")";
        case Shape::Kind::boolean:
            return fmt::format(R"("anyOf": [{{"type": "boolean"}}, {}])", reference);
        case Shape::Kind::integer:
            return fmt::format(R"("anyOf": [{{"type": "integer"{}}}, {}])",
                               bounds(shape, "minimum", "maximum"), reference);
        case Shape::Kind::number:
            return fmt::format(R"("anyOf": [{{"type": "number"{}}}, {}])",
                               bounds(shape, "minimum", "maximum"), reference);
        case Shape::Kind::duration:
            return fmt::format(
                R"("anyOf": [{{"type": "string", "pattern": "^(0|[1-9][0-9]*)(ms|s|m|h|d)$"}}, {}])",
                reference);
        case Shape::Kind::size:
            return fmt::format(
                R"("anyOf": [{{"type": "integer", "minimum": 0}}, )"
                R"({{"type": "string", "pattern": "^(0|[1-9][0-9]*)([kKMG]B|[KMG]iB|B)?$"}}, {}])",
                reference);
        case Shape::Kind::choice: {
            std::string words;
            for (const auto& word : shape.choices) {
                if (!words.empty()) words += ", ";
                words += json_string(word);
                if (is_number(word)) words += ", " + word;  // 502 needs no quotes in the file
            }
            return fmt::format(R"("anyOf": [{{"enum": [{}]}}, {}])", words, reference);
        }
        case Shape::Kind::list:
            return fmt::format(R"("type": "array"{}, "items": {{{}}})",
                               bounds(shape, "minItems", "maxItems"),
                               members(shape.inner.front(), depth));
        case Shape::Kind::map:
            return fmt::format(R"("type": "object", "additionalProperties": {{{}}})",
                               members(shape.inner.front(), depth));
        case Shape::Kind::object: return object_members(shape, depth);
        case Shape::Kind::either: {
            std::string ways;
            for (const auto& way : shape.inner) {
                if (!ways.empty()) ways += ", ";
                ways += "{" + members(way, depth) + "}";
            }
            return fmt::format(R"("anyOf": [{}])", ways);
        }
    }
    return {};
}

void collect(const Shape& shape, const std::string& prefix, std::vector<std::string>& out) {
    switch (shape.kind) {
        case Shape::Kind::list: collect(shape.inner.front(), prefix + "[]", out); break;
        case Shape::Kind::map: collect(shape.inner.front(), prefix + ".*", out); break;
        case Shape::Kind::either:
            for (const auto& way : shape.inner) collect(way, prefix, out);
            break;
        case Shape::Kind::object:
            for (const auto& property : shape.properties) {
                const auto path = prefix.empty() ? property.name : prefix + "." + property.name;
                out.push_back(path);
                collect(property.shape, path, out);
            }
            break;
        default: break;
    }
}

}  // namespace

std::string json_schema(const Shape& shape, std::string_view title) {
    return fmt::format(
        "{{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": {}, {}}}\n",
        json_string(title), members(shape, 0));
}

std::vector<std::string> key_paths(const Shape& shape) {
    std::vector<std::string> out;
    collect(shape, {}, out);
    return out;
}

}  // namespace gh::config
