#include "codec/json.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "codec/utf8.hpp"

namespace gh::codec::json {
namespace {

namespace bj = boost::json;

/// Beyond this many names, doubles are looked for in a set instead of one by one.
constexpr std::size_t few_names = 16;

/// Names differ in size or at their beginning, or are the same: memcmp is rarely called.
bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && (a.empty() || (a.front() == b.front() && a == b));
}

bool has_double(const Members& members) {
    if (members.size() <= few_names) {
        for (std::size_t i = 1; i < members.size(); ++i) {
            for (std::size_t k = 0; k < i; ++k) {
                if (same(members[i].first, members[k].first)) return true;
            }
        }
        return false;
    }
    std::unordered_set<std::string_view> seen;
    return !std::ranges::all_of(
        members, [&](const auto& member) { return seen.insert(member.first).second; });
}

/// Builds values from what the parser reports. A stack of values and names, folded when an array or
/// object ends.
class Builder {
 public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    Builder() {  // a token's or a request's few members, without growing on the way there
        values_.reserve(few_names);
        names_.reserve(few_names);
    }

    using Code = bj::error_code;
    using Text = bj::string_view;

    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code&) { return true; }
    bool on_object_end(std::size_t size, Code& code) {
        Members members;
        members.reserve(size);
        for (std::size_t i = 0; i < size; ++i) {
            members.emplace_back(std::move(names_[names_.size() - size + i]),
                                 std::move(values_[values_.size() - size + i]));
        }
        names_.resize(names_.size() - size);
        values_.resize(values_.size() - size);
        if (has_double(members)) {
            found_double = true;
            code = bj::error::exception;
            return false;
        }
        return push(std::move(members));
    }
    bool on_array_begin(Code&) { return true; }
    bool on_array_end(std::size_t size, Code&) {
        const auto first = values_.end() - static_cast<std::ptrdiff_t>(size);
        Array array(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
        values_.resize(values_.size() - size);
        return push(std::move(array));
    }
    bool on_key_part(Text part, std::size_t, Code&) { return more(part); }
    bool on_key(Text part, std::size_t, Code&) {
        names_.push_back(whole(part));
        return true;
    }
    bool on_string_part(Text part, std::size_t, Code&) { return more(part); }
    bool on_string(Text part, std::size_t, Code&) { return push(whole(part)); }
    bool on_number_part(Text, Code&) { return true; }
    bool on_int64(std::int64_t value, Text, Code&) { return push(value); }
    bool on_uint64(std::uint64_t value, Text, Code&) { return push(static_cast<double>(value)); }
    bool on_double(double value, Text, Code& code) {
        if (!std::isfinite(value)) {  // 1e999
            code = bj::error::exponent_overflow;
            return false;
        }
        return push(value);
    }
    bool on_bool(bool value, Code&) { return push(value); }
    bool on_null(Code&) { return push(nullptr); }
    bool on_comment_part(Text, Code&) { return true; }
    bool on_comment(Text, Code&) { return true; }

    Value take() { return std::move(values_.back()); }
    bool found_double = false;

 private:
    bool more(Text part) {
        text_.append(part.data(), part.size());
        return true;
    }
    std::string whole(Text last_part) {
        if (text_.empty()) return {last_part.data(), last_part.size()};
        more(last_part);
        return std::exchange(text_, {});
    }
    template <class T>
    bool push(T&& value) {
        values_.emplace_back(std::in_place, std::forward<T>(value));
        return true;
    }

    std::vector<Value> values_;
    std::vector<std::string> names_;
    std::string text_;
};

}  // namespace

std::optional<bool> Value::boolean() const {
    const auto* value = std::get_if<bool>(&data_);
    return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Value::integer() const {
    const auto* value = std::get_if<std::int64_t>(&data_);
    return value ? std::optional(*value) : std::nullopt;
}

std::optional<double> Value::number() const {
    if (const auto* value = std::get_if<double>(&data_)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*value);
    return std::nullopt;
}

const Value* Value::find(std::string_view name) const {
    const auto* members = object();
    if (members == nullptr) return nullptr;
    for (const auto& [each, value] : *members) {
        if (same(each, name)) return &value;
    }
    return nullptr;
}

const std::string* Value::find_string(std::string_view name) const {
    const auto* value = find(name);
    return value ? value->string() : nullptr;
}

Result<Value> parse(std::string_view text, Limits limits) {
    if (text.size() > limits.bytes_max) return fail(ErrorKind::invalid_argument, "json.too_large");
    bj::parse_options options;
    options.max_depth = limits.depth_max;
    bj::basic_parser<Builder> parser(options);
    bj::error_code code;
    const auto read = parser.write_some(false, text.data(), text.size(), code);
    if (!code && read < text.size()) code = bj::error::extra_data;
    if (!code) return parser.handler().take();
    const auto reason = parser.handler().found_double ? "json.duplicate_name"
                        : code == bj::error::too_deep ? "json.too_deep"
                                                      : "json.malformed";
    return fail(ErrorKind::invalid_argument, reason, "at byte " + std::to_string(read));
}

void append_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const auto size = utf8_character_bytes(text);
        const char c = text[0];
        if (size == 0) {
            out += "\\ufffd";
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<std::uint8_t>(c) < ' ') {
            out += "\\u00";
            out += digits[static_cast<std::uint8_t>(c) >> 4];
            out += digits[static_cast<std::uint8_t>(c) & 15];
        } else {
            out.append(text.substr(0, size));
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    out += '"';
}

}  // namespace gh::codec::json
