// Conditions of steps, and what they are asked of: one line each. What is read holds or does not, and its negation the other.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/json.hpp"
#include "plan/condition.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = std::min(text.find('\n'), text.size());
    const auto condition = plan::parse_condition(text.substr(0, line));
    if (!condition) {
        if (condition.error().reason != "plan.condition") std::abort();
        return 0;
    }
    if (plan::steps_of(*condition).size() > plan::condition_parts_max) std::abort();
    const auto result = codec::json::parse(text.substr(std::min(line + 1, text.size())));
    const plan::Results results = [&result](std::string_view step) {
        return result && step != "none" ? &*result : nullptr;
    };
    const bool held = plan::holds(*condition, results);
    plan::Condition negation;
    negation.kind = plan::Condition::Kind::none_of;
    negation.parts.push_back(*condition);
    if (plan::holds(negation, results) == held) std::abort();
    return 0;
}
