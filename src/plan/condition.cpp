#include "plan/condition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/try.hpp"

namespace gh::plan {
namespace {

using codec::json::Value;
using Kind = Condition::Kind;
using Op = Condition::Op;

constexpr std::array<std::string_view, 7> op_names{"eq", "ne", "lt", "le", "gt", "ge", "exists"};

std::unexpected<Error> wrong(std::string what) {
    return fail(ErrorKind::invalid_argument, "plan.condition", std::move(what));
}

/// RFC 6901 §3 and §4.
Result<std::vector<std::string>> read_path(std::string_view text) {
    std::vector<std::string> path;
    if (text.empty()) return path;
    if (text.front() != '/') return wrong("path begins with '/', or is empty");
    while (!text.empty()) {
        text.remove_prefix(1);
        const auto end = std::min(text.find('/'), text.size());
        std::string word;
        for (std::size_t i = 0; i < end; ++i) {
            if (text[i] != '~') {
                word += text[i];
                continue;
            }
            if (++i >= end || (text[i] != '0' && text[i] != '1'))
                return wrong("in a path '~' stands before 0 or 1");
            word += text[i] == '0' ? '~' : '/';
        }
        path.push_back(std::move(word));
        if (path.size() > condition_path_max) return wrong("a path is too deep");
        text.remove_prefix(end);
    }
    return path;
}

Result<void> check_members(const Value& value, std::initializer_list<std::string_view> known) {
    for (const auto& [name, member] : *value.object()) {
        if (std::ranges::find(known, name) == known.end())
            return wrong("is {step, path, op, value}, {all}, {any} or {not}");
    }
    return {};
}

class Reading {
 public:
    Result<Condition> read(const Value& value, std::size_t depth) {
        if (depth > condition_depth_max) return wrong("is too deep");
        if (++parts_ > condition_parts_max) return wrong("has too many parts");
        if (value.object() == nullptr) return wrong("must be an object");
        if (value.find("all")) return read_list(value, "all", Kind::all, depth);
        if (value.find("any")) return read_list(value, "any", Kind::any, depth);
        if (value.find("not")) return read_not(value, depth);
        return read_compare(value);
    }

 private:
    Result<Condition> read_list(const Value& value, std::string_view name, Kind kind,
                                std::size_t depth) {
        GH_TRY_VOID(check_members(value, {name}));
        const auto* items = value.find(name)->array();
        if (items == nullptr || items->empty())
            return wrong(std::string(name) + " is a list that is not empty");
        Condition made;
        made.kind = kind;
        for (const auto& item : *items) {
            GH_TRY(auto part, read(item, depth + 1));
            made.parts.push_back(std::move(part));
        }
        return made;
    }
    Result<Condition> read_not(const Value& value, std::size_t depth) {
        GH_TRY_VOID(check_members(value, {"not"}));
        GH_TRY(auto part, read(*value.find("not"), depth + 1));
        Condition made;
        made.kind = Kind::none_of;
        made.parts.push_back(std::move(part));
        return made;
    }
    static Result<Condition> read_compare(const Value& value) {
        GH_TRY_VOID(check_members(value, {"step", "path", "op", "value"}));
        const auto* step = value.find_string("step");
        const auto* op = value.find_string("op");
        const auto* path = value.find("path");
        const auto* against = value.find("value");
        if (step == nullptr || step->empty()) return wrong("names a step");
        if (path != nullptr && path->string() == nullptr) return wrong("path is a text");
        const auto* known = op ? std::ranges::find(op_names, *op) : op_names.end();
        if (known == op_names.end()) return wrong("op is eq, ne, lt, le, gt, ge or exists");
        Condition made;
        made.step = *step;
        made.op = static_cast<Op>(known - op_names.begin());
        if (path != nullptr) {
            GH_TRY(made.path, read_path(*path->string()));
        }
        if ((made.op == Op::exists) != (against == nullptr))
            return wrong("value is there, but for exists");
        if (against != nullptr) {
            if (against->object() || against->array())
                return wrong("value is a text, a number, true, false or null");
            made.value = *against;
        }
        return made;
    }

    std::size_t parts_ = 0;
};

/// An index of an array as RFC 6901 §4 spells it.
std::optional<std::size_t> index_of(std::string_view word) {
    if (word.empty() || (word.size() > 1 && word.front() == '0')) return {};
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), index);
    if (error != std::errc() || end != word.data() + word.size()) return {};
    return index;
}

const Value* at_path(const Value* value, const std::vector<std::string>& path) {
    for (const auto& word : path) {
        if (value->object() != nullptr) {
            value = value->find(word);
        } else if (const auto* items = value->array()) {
            const auto index = index_of(word);
            value = index && *index < items->size() ? &(*items)[*index] : nullptr;
        } else {
            value = nullptr;
        }
        if (value == nullptr) return nullptr;
    }
    return value;
}

template <class T>
bool compares(const T& left, Op op, const T& right) {
    switch (op) {
        case Op::eq: return left == right;
        case Op::ne: return left != right;
        case Op::lt: return left < right;
        case Op::le: return left <= right;
        case Op::gt: return left > right;
        case Op::ge: return left >= right;
        case Op::exists: break;
    }
    return true;
}

bool compare(const Value& left, Op op, const Value& right) {
    if (left.object() || left.array()) return false;
    const auto whole_left = left.integer(), whole_right = right.integer();
    if (whole_left && whole_right) return compares(*whole_left, op, *whole_right);
    const auto left_number = left.number(), right_number = right.number();
    if (left_number && right_number) return compares(*left_number, op, *right_number);
    if (left.string() && right.string()) return compares(*left.string(), op, *right.string());
    const bool equality = op == Op::eq || op == Op::ne;
    if (!equality) return false;
    if (left.boolean() && right.boolean()) return compares(*left.boolean(), op, *right.boolean());
    const bool both_null = left.is_null() && right.is_null();
    return both_null == (op == Op::eq);
}

bool compare_holds(const Condition& condition, const Results& results) {
    const auto* result = results(condition.step);
    if (result == nullptr) return false;
    const auto* value = at_path(result, condition.path);
    if (value == nullptr) return false;
    return condition.op == Op::exists || compare(*value, condition.op, condition.value);
}

void add_steps(const Condition& condition, std::vector<std::string>& steps) {
    const bool is_new = std::ranges::find(steps, condition.step) == steps.end();
    if (condition.kind == Kind::compare && is_new) steps.push_back(condition.step);
    for (const auto& part : condition.parts) add_steps(part, steps);
}

}  // namespace

Result<Condition> read_condition(const Value& value) { return Reading().read(value, 1); }

Result<Condition> parse_condition(std::string_view json, std::size_t bytes_max) {
    const auto value = codec::json::parse(
        json, {.bytes_max = bytes_max, .depth_max = 2 * condition_depth_max + 2});
    if (!value) return wrong("is no JSON that can be read, or too long");
    return read_condition(*value);
}

std::vector<std::string> steps_of(const Condition& condition) {
    std::vector<std::string> steps;
    add_steps(condition, steps);
    return steps;
}

// As deep as condition_depth_max at most.
bool holds(const Condition& condition, const Results& results) {
    const auto part_holds = [&results](const Condition& part) { return holds(part, results); };
    switch (condition.kind) {
        case Kind::compare: return compare_holds(condition, results);
        case Kind::all: return std::ranges::all_of(condition.parts, part_holds);
        case Kind::any: return std::ranges::any_of(condition.parts, part_holds);
        case Kind::none_of: return std::ranges::none_of(condition.parts, part_holds);
    }
    return false;
}

}  // namespace gh::plan
