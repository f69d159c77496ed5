#include "codec/json_outline.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

namespace gh::codec::json {
namespace {

namespace bj = boost::json;

/// Beyond this many names, doubles are looked for in a set instead of one by one.
constexpr std::size_t few_names = 16;

/// Names differ in size or at their beginning, or are the same: memcmp is rarely called.
bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && (a.empty() || (a.front() == b.front() && a == b));
}

}  // namespace

/// Builds an outline from what the parser reports.
class Outline::Builder {
 public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    /// @param text  what will be read, at a place where it stays
    explicit Builder(std::string_view text) : text_(text) {
        outline_.nodes_.reserve(2 * few_names);  // a token's or a request's few members
    }

    static Result<Outline> build(std::string_view text, Limits limits);

    using Code = bj::error_code;
    using Text = bj::string_view;

    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code&) { return open(); }
    bool on_object_end(std::size_t size, Code& code) {
        const auto& object = close(Node::ObjectOf{size});
        found_double_ = has_double(object, size);
        if (found_double_) code = bj::error::exception;
        return !found_double_;
    }
    bool on_array_begin(Code&) { return open(); }
    bool on_array_end(std::size_t size, Code&) {
        close(Node::ArrayOf{size});
        return true;
    }
    bool on_key_part(Text part, std::size_t, Code&) { return more(part); }
    bool on_key(Text part, std::size_t, Code&) { return push(whole(part)); }
    bool on_string_part(Text part, std::size_t, Code&) { return more(part); }
    bool on_string(Text part, std::size_t, Code&) { return push(whole(part)); }
    bool on_number_part(Text part, Code&) {
        if (number_ == nullptr) number_ = part.data();
        return true;
    }
    bool on_int64(std::int64_t value, Text, Code&) {
        number_ = nullptr;
        return push(value);
    }
    bool on_uint64(std::uint64_t value, Text, Code&) {
        number_ = nullptr;
        return push(static_cast<double>(value));
    }
    bool on_double(double value, Text part, Code& code) {
        // The parser's own value may be off in its last bit: a number written and read again would be another.
        const auto* begin = std::exchange(number_, nullptr);
        double exact = 0;
        const auto read =
            std::from_chars(begin ? begin : part.data(), part.data() + part.size(), exact);
        if (read.ec == std::errc()) value = exact;
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

 private:
    bool push(Node::Data data) {
        outline_.nodes_.push_back(Node(data));
        return true;
    }
    /// While an array or object is open, its node says which one it lies in.
    bool open() {
        push(nullptr);
        outline_.nodes_.back().nodes_ = open_;
        open_ = outline_.nodes_.size() - 1;
        return true;
    }
    const Node& close(Node::Data data) {
        auto& node = outline_.nodes_[open_];
        node.data_ = data;
        const auto outer = node.nodes_;
        node.nodes_ = outline_.nodes_.size() - open_;
        open_ = outer;
        return node;
    }
    bool more(Text part) {
        if (!in_parts_) outline_.own_.emplace_front();
        in_parts_ = true;
        outline_.own_.front().append(part.data(), part.size());
        return true;
    }
    std::string_view whole(Text last_part) {
        constexpr std::less_equal<> before;
        const bool as_written =
            before(text_.data(), last_part.data()) &&
            before(last_part.data() + last_part.size(), text_.data() + text_.size());
        if (!in_parts_ && as_written) return {last_part.data(), last_part.size()};
        more(last_part);
        in_parts_ = false;
        return outline_.own_.front();
    }
    [[nodiscard]] static bool has_double(const Node& object, std::size_t size) {
        if (size > few_names) return has_double_among_many(object);
        const auto* const first = &object + 1;
        std::uint64_t marks = 0;  // of the names so far; most are told apart by it alone
        for (const auto* at = first; at != object.behind(); at = (at + 1)->behind()) {
            const auto mark = mark_of(name_of(*at));
            const bool seen = (marks & mark) != 0;
            marks |= mark;
            if (!seen) continue;
            for (const auto* other = first; other != at; other = (other + 1)->behind()) {
                if (same(name_of(*at), name_of(*other))) return true;
            }
        }
        return false;
    }
    /// One of 64 bits, by size and both ends.
    [[nodiscard]] static std::uint64_t mark_of(std::string_view name) {
        if (name.empty()) return 1;
        const auto front = static_cast<std::uint8_t>(name.front());
        const auto back = static_cast<std::uint8_t>(name.back());
        return std::uint64_t{1} << ((name.size() + 7U * front + 31U * back) % 64);
    }
    [[nodiscard]] static bool has_double_among_many(const Node& object) {
        std::set<std::string_view>
            seen;  // no hash: who writes the names would choose them to collide
        for (const auto* at = &object + 1; at != object.behind(); at = (at + 1)->behind()) {
            if (!seen.insert(name_of(*at)).second) return true;
        }
        return false;
    }
    [[nodiscard]] static std::string_view name_of(const Node& name) {
        return *std::get_if<std::string_view>(&name.data_);
    }

    std::string_view text_;
    Outline outline_;
    std::size_t open_ = 0;
    bool in_parts_ = false;         ///< of a string, some are there already
    const char* number_ = nullptr;  ///< where one begins of which only a part was told
    bool found_double_ = false;
};

Result<Outline> Outline::Builder::build(std::string_view text, Limits limits) {
    if (text.size() > limits.bytes_max) return fail(ErrorKind::invalid_argument, "json.too_large");
    bj::parse_options options;
    options.max_depth = limits.depth_max;
    bj::basic_parser<Builder> parser(options, text);
    bj::error_code code;
    const auto read = parser.write_some(false, text.data(), text.size(), code);
    if (!code && read < text.size()) code = bj::error::extra_data;
    if (!code) return std::move(parser.handler().outline_);
    const auto reason = parser.handler().found_double_ ? "json.duplicate_name"
                        : code == bj::error::too_deep  ? "json.too_deep"
                                                       : "json.malformed";
    return fail(ErrorKind::invalid_argument, reason, "at byte " + std::to_string(read));
}

Result<Outline> Outline::borrow(std::string_view text, Limits limits) {
    return Builder::build(text, limits);
}

Result<Outline> Outline::read(std::string text, Limits limits) {
    std::forward_list<std::string> own;
    own.push_front(std::move(text));
    auto outline = Builder::build(own.front(), limits);
    if (outline) outline->own_.splice_after(outline->own_.before_begin(), own);
    return outline;
}

std::optional<double> Node::number() const {
    if (const auto* whole = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*whole);
    return as<double>();
}

std::optional<Node::Elements> Node::array() const {
    if (!std::holds_alternative<ArrayOf>(data_)) return std::nullopt;
    return Elements(*this);
}

const Node* Node::find(std::string_view name) const {
    if (!is_object()) return nullptr;
    for (const auto* at = this + 1; at != behind(); at = (at + 1)->behind()) {
        if (same(*std::get_if<std::string_view>(&at->data_), name)) return at + 1;
    }
    return nullptr;
}

std::optional<std::string_view> Node::find_string(std::string_view name) const {
    const auto* value = find(name);
    return value ? value->string() : std::nullopt;
}

Value Node::value() const {
    if (const auto text = string()) return {std::in_place, std::string(*text)};
    if (const auto elements = array()) {
        Array copy;
        copy.reserve(elements->size());
        for (const auto& each : *elements) copy.push_back(each.value());
        return {std::in_place, std::move(copy)};
    }
    if (const auto* object = std::get_if<ObjectOf>(&data_)) {
        Members copy;
        copy.reserve(object->size);
        for (const auto* at = this + 1; at != behind(); at = (at + 1)->behind())
            copy.emplace_back(*at->string(), (at + 1)->value());
        return {std::in_place, std::move(copy)};
    }
    if (const auto truth = boolean()) return {std::in_place, *truth};
    if (const auto whole = integer()) return {std::in_place, *whole};
    if (const auto any = number()) return {std::in_place, *any};
    return {};
}

}  // namespace gh::codec::json
