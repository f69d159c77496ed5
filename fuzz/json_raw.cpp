// Parts of JSON texts as they are spelt: each is a JSON text itself, of the same value that the whole has there.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/json.hpp"
#include "codec/json_raw.hpp"
#include "codec/json_writer.hpp"

namespace {

using namespace gh::codec;

std::string text_of(const json::Value& value) {
    std::string text;
    json::Writer(text).value(value);
    return text;
}

void check(std::string_view raw, const json::Value& value) {
    const auto read = json::parse(raw);
    if (!read || text_of(*read) != text_of(value)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto whole = json::parse(text);
    if (!whole) {
        (void)json::raw_member(text, "a");
        (void)json::raw_elements(text);
        return 0;
    }
    if (const auto* members = whole->object()) {
        for (const auto& [name, value] : *members)
            if (const auto raw = json::raw_member(text, name)) check(*raw, value);
    }
    const auto elements = json::raw_elements(text);
    const auto* array = whole->array();
    if (elements.size() != (array ? array->size() : 0)) std::abort();
    for (std::size_t i = 0; i < elements.size(); ++i) check(elements[i], (*array)[i]);
    return 0;
}
