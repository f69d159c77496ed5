#include "codec/json_raw.hpp"

#include <algorithm>
#include <cstddef>

namespace gh::codec::json {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Goes over a text from value to value; at the end of it, it stays there.
class Walk {
 public:
    explicit Walk(std::string_view text) : text_(text) { skip_space(); }

    [[nodiscard]] bool take(char c) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        skip_space();
        return true;
    }
    /// A whole value, and without the quotes where it is a string and `bare`.
    [[nodiscard]] std::string_view value(bool bare = false) {
        skip_space();
        const auto begin = at_;
        if (at_ < text_.size() && text_[at_] == '"') {
            skip_string();
            const auto end = at_;
            if (bare && end - begin >= 2) return text_.substr(begin + 1, end - begin - 2);
            return text_.substr(begin, end - begin);
        }
        skip_other();
        return text_.substr(begin, at_ - begin);
    }

 private:
    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    }
    void skip_string() {
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
            if (text_[at_] == '\\') ++at_;
        at_ = std::min(at_ + 1, text_.size());
    }
    /// An array or object with all it holds, or a word or number up to what comes behind it.
    void skip_other() {
        std::size_t depth = 0;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"') {
                skip_string();
                continue;
            }
            if (c == '{' || c == '[') ++depth;
            const bool closes = c == '}' || c == ']';
            if (depth == 0 && (closes || c == ',' || is_space(c))) return;
            ++at_;
            if (closes && --depth == 0) return;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string_view> raw_member(std::string_view object, std::string_view name) {
    Walk walk(object);
    if (!walk.take('{')) return {};
    do {
        const auto each = walk.value(true);
        if (!walk.take(':')) return {};
        const auto value = walk.value();
        if (each == name) return value;
    } while (walk.take(','));
    return {};
}

std::vector<std::string_view> raw_elements(std::string_view array) {
    std::vector<std::string_view> elements;
    Walk walk(array);
    if (!walk.take('[') || walk.take(']')) return elements;
    do {
        elements.push_back(walk.value());
    } while (walk.take(','));
    return elements;
}

}  // namespace gh::codec::json
