#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "codec/json.hpp"

namespace gh::plan {

/// When a step runs, by what earlier ones have found:
///
///     {"step": "fetch", "path": "/stations/0/pm10", "op": "gt", "value": 50}
///     {"all": [condition, ...]}  {"any": [condition, ...]}  {"not": condition}
///
/// `path` is a JSON pointer (RFC 6901) into the result of the step, "" or absent the whole. `op` is eq, ne, lt, le, gt, ge
/// (numbers with numbers, texts with texts by their bytes; eq and ne all that is JSON but objects and arrays) or exists, which
/// wants no value. What is not there, and what cannot be compared, does not hold, `ne` included.
struct Condition {
    enum class Kind : std::uint8_t { compare, all, any, none_of };
    enum class Op : std::uint8_t { eq, ne, lt, le, gt, ge, exists };
    Kind kind = Kind::compare;
    std::string step;
    std::vector<std::string> path;  ///< decoded
    Op op = Op::eq;
    codec::json::Value value;
    std::vector<Condition> parts;  ///< of all but `compare`
};

inline constexpr std::size_t condition_bytes_max = 4 * 1024;
inline constexpr std::size_t condition_stored_bytes_max = 16 * 1024;  ///< its steps named in full
inline constexpr std::size_t condition_parts_max = 32;                ///< of all together
inline constexpr std::size_t condition_depth_max = 4;
inline constexpr std::size_t condition_path_max = 32;

/// @return `invalid_argument` "plan.condition"; the detail is fit for a client: what is allowed
[[nodiscard]] Result<Condition> parse_condition(std::string_view json,
                                                std::size_t bytes_max = condition_bytes_max);
[[nodiscard]] Result<Condition> read_condition(const codec::json::Value& value);

/// The steps it asks about, each once.
[[nodiscard]] std::vector<std::string> steps_of(const Condition& condition);

/// The result of a step; null: it has none.
using Results = std::function<const codec::json::Value*(std::string_view step)>;
[[nodiscard]] bool holds(const Condition& condition, const Results& results);

}  // namespace gh::plan
