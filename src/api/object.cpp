#include "api/object.hpp"

#include <algorithm>

namespace gh::api {

const codec::json::Members* check_members(const codec::json::Value& in, Reader& reader,
                                          const std::vector<std::string_view>& known, bool& good) {
    const auto* members = in.object();
    if (members == nullptr) {
        reader.refuse("type", "Must be an object.");
        return nullptr;
    }
    for (const auto& [name, value] : *members) {
        if (std::ranges::find(known, name) != known.end()) continue;
        const auto step = reader.enter(name);
        reader.refuse("unknown", "Is not known here.");
        good = false;
    }
    return members;
}

void refuse_missing(Reader& reader) { reader.refuse("required", "Is missing."); }

std::string with_description(std::string_view schema, std::string_view doc) {
    std::string text = R"({"description":)";
    codec::json::append_quoted(text, doc);
    text += ',';
    text += schema.substr(1);
    return text;
}

}  // namespace gh::api
