#include "api/type.hpp"

namespace gh::api {

namespace {

/// Names come from strangers where nobody knows them; longer ones are told by their beginning.
constexpr std::size_t name_bytes_max = 128;

std::string_view shortened(std::string_view name) {
    if (name.size() <= name_bytes_max) return name;
    auto end = name_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0U) == 0x80U) --end;
    return name.substr(0, end);
}

}  // namespace

Reader::Step Reader::enter(std::string_view name) {
    const auto before = where_.size();
    where_ += '/';
    for (const char c : shortened(name)) {
        if (c == '~' && in_ == FieldError::In::body) {
            where_ += "~0";
        } else if (c == '/' && in_ == FieldError::In::body) {
            where_ += "~1";
        } else {
            where_ += c;
        }
    }
    return {where_, before};
}

Reader::Step Reader::enter(std::size_t index) { return enter(std::to_string(index)); }

void Reader::refuse(std::string_view code, std::string detail) {
    if (errors_.size() >= field_errors_max) return;
    // A query has names and nothing below them.
    auto where = in_ == FieldError::In::query && !where_.empty() ? where_.substr(1) : where_;
    errors_.push_back(FieldError{in_, std::move(where), code, std::move(detail)});
}

void Schemas::refer(codec::json::Writer& out, const std::string& name, const Describe& describe) {
    out.begin_object().name("$ref").string("#/components/schemas/" + name).end_object();
    if (!written_.try_emplace(name).second) return;  // there, or being written further up
    std::string text;
    codec::json::Writer schema(text);
    describe(schema);
    written_[name] = std::move(text);
}

}  // namespace gh::api
