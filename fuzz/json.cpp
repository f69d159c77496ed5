// JSON from strangers: what we take and refuse, against the document that the library itself makes of the same text.

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "codec/json_outline.hpp"
#include "codec/json_writer.hpp"

namespace {

using namespace gh::codec::json;
namespace bj = boost::json;

constexpr std::size_t depth_max = 16;

void demand(bool holds) {
    if (!holds) std::abort();
}

/// Is there a value, at any depth, that `is` holds of?
bool any(const bj::value& value, bool (*is)(const bj::value&)) {
    if (is(value)) return true;
    if (value.is_array())
        return std::ranges::any_of(value.get_array(),
                                   [&](const auto& each) { return any(each, is); });
    return value.is_object() && std::ranges::any_of(value.get_object(), [&](const auto& member) {
               return any(member.value(), is);
           });
}

bool is_infinite(const bj::value& value) {
    return value.is_double() && !std::isfinite(value.get_double());
}

bool is_rounded(const bj::value& value) { return value.is_double() || value.is_uint64(); }

/// The library's own doubles may be off in their last bits, infinite just below the end, and no number for 0e999.
bool near(std::optional<double> ours, double theirs) {
    if (!std::isfinite(theirs)) return ours.has_value();
    return ours && std::abs(*ours - theirs) <= std::max(std::abs(theirs) * 1e-15, 1e-307);
}

bool same(const Node& node, const bj::value& value);

bool same_members(const Node& node, const bj::object& object) {
    return node.is_object() && node.value().object()->size() == object.size() &&
           std::ranges::all_of(object, [&](const auto& member) {
               const auto* ours = node.find({member.key().data(), member.key().size()});
               return ours != nullptr && same(*ours, member.value());
           });
}

bool same_elements(const Node& node, const bj::array& array) {
    const auto ours = node.array();
    if (!ours || ours->size() != array.size()) return false;
    const auto* theirs = array.data();
    for (const auto& each : *ours) {
        if (!same(each, *theirs++)) return false;
    }
    return theirs == array.data() + array.size();
}

bool same(const Node& node, const bj::value& value) {
    switch (value.kind()) {
        case bj::kind::null: return node.is_null();
        case bj::kind::bool_: return node.boolean() == value.get_bool();
        case bj::kind::int64: return node.integer() == value.get_int64();
        case bj::kind::uint64:
            return !node.integer() && node.number() == static_cast<double>(value.get_uint64());
        case bj::kind::double_: return !node.integer() && near(node.number(), value.get_double());
        case bj::kind::string:
            return node.string() ==
                   std::string_view(value.get_string().data(), value.get_string().size());
        case bj::kind::array: return same_elements(node, value.get_array());
        case bj::kind::object: return same_members(node, value.get_object());
    }
    return false;
}

std::string written(const Value& value) {
    std::string text;
    Writer(text).value(value);
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    bj::error_code code;
    bj::parse_options options;
    options.max_depth = depth_max;
    const auto theirs = bj::parse({text.data(), text.size()}, code, {}, options);

    const Limits limits{.bytes_max = size, .depth_max = depth_max};
    auto ours = Outline::read(std::string(text), limits);
    const auto borrowed = Outline::borrow(text, limits);
    demand(ours.has_value() == borrowed.has_value());
    if (!ours) {
        const auto reason = ours.error().reason;
        demand(reason == borrowed.error().reason && reason == parse(text, limits).error().reason);
        if (reason == "json.too_deep") demand(code == bj::error::too_deep);
        if (reason == "json.malformed") demand(code.failed() || any(theirs, is_infinite));
        return 0;
    }
    demand(!code.failed());
    const auto moved = *std::move(ours);
    demand(same(moved.root(), theirs) && same(borrowed->root(), theirs));
    const auto again = written(parse(text, limits).value());
    const auto again_theirs = bj::parse(again, code, {}, options);
    demand(!code.failed() && (any(theirs, is_rounded) || again_theirs == theirs));
    return 0;
}
