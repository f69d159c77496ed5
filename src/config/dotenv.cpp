#include "config/dotenv.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "config/text.hpp"

namespace gh::config {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view name_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
constexpr std::size_t value_bytes_max = 64 * 1024;

class Parser {
 public:
    Parser(std::string_view text, const Environment& process) : text_(text), process_(process) {}

    /// @return the line and what is wrong with it, or nothing
    std::optional<Problem> run() {
        while (at_ < text_.size()) {
            line_ = 1 +
                    static_cast<std::uint32_t>(
                        std::count(text_.begin() + counted_, text_.begin() + at(), '\n')) +
                    before_;
            before_ = line_ - 1;
            counted_ = at();
            if (const auto wrong = one_line(); !wrong.empty())
                return Problem{{}, line_, name_, wrong};
        }
        return std::nullopt;
    }
    Variables take() { return std::move(variables_); }
    std::vector<DotenvAssignment> take_assignments() { return std::move(assignments_); }

 private:
    [[nodiscard]] std::ptrdiff_t at() const { return static_cast<std::ptrdiff_t>(at_); }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }
    void skip_blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    }
    void skip_line() {
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
        while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    std::string_view word() {
        const auto end = std::min(text_.find_first_not_of(name_characters, at_), text_.size());
        const auto found = text_.substr(at_, end - at_);
        at_ = end;
        return found;
    }

    std::string one_line() {
        name_.clear();
        uses_.clear();
        const auto begin = at_;
        skip_blanks();
        if (peek() == '#' || peek() == '\n' || peek() == '\r') return skip_line(), "";
        auto name = word();
        skip_blanks();
        if (name == "export" && peek() != '=') {
            name = word();
            skip_blanks();
        }
        if (name.empty()) return "is not NAME=value";
        name_ = std::string(name);
        if (peek() != '=') {
            if (peek() != '\n' && peek() != '\r' && peek() != '#') return "has no = after its name";
            return skip_line(), "";
        }
        ++at_;
        skip_blanks();
        std::string value;
        auto end = at_;
        if (peek() == '\'' || peek() == '"') {
            auto wrong = quoted(peek(), value, end);
            if (!wrong.empty()) return wrong;
        } else {
            const auto raw = bare();
            end += raw.size();
            value = expand(raw);
        }
        if (value.size() > value_bytes_max) return "is longer than 64 KiB";
        skip_line();
        assignments_.push_back({.name = name_,
                                .value = Secret(value),
                                .line = line_,
                                .begin = begin,
                                .end = end,
                                .uses = uses_});
        variables_.insert_or_assign(name_, std::move(value));
        return {};
    }

    /// To the end of the line, less a comment that a blank sets off.
    std::string_view bare() {
        const auto start = at_;
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') {
            if (text_[at_] == '#' && at_ > start &&
                (text_[at_ - 1] == ' ' || text_[at_ - 1] == '\t'))
                break;
            ++at_;
        }
        return trim(text_.substr(start, at_ - start));
    }

    /// @param end  becomes where the closing quote was
    std::string quoted(char quote, std::string& value, std::size_t& end) {
        ++at_;
        while (at_ < text_.size() && text_[at_] != quote) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
                value += unescaped(quote, text_[at_ + 1]);
                at_ += 2;
            } else {
                value += text_[at_++];
            }
        }
        if (at_ == text_.size()) return "has a quote that is not closed";
        end = ++at_;
        skip_blanks();
        if (at_ < text_.size() && peek() != '\n' && peek() != '\r' && peek() != '#') {
            return "has something behind its closing quote";
        }
        if (quote == '"') value = expand(value);
        return {};
    }

    static std::string unescaped(char quote, char escaped) {
        if (escaped == '\\' || escaped == quote) return {escaped};
        if (quote == '"') {
            constexpr std::pair<char, char> known[] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'},
                                                       {'a', '\a'}, {'b', '\b'}, {'f', '\f'},
                                                       {'v', '\v'}, {'\'', '\''}};
            for (const auto& [letter, meaning] : known) {
                if (letter == escaped) return {meaning};
            }
        }
        return {'\\', escaped};
    }

    /// One pass: what a variable holds is not looked at again, so that no value can grow without bound.
    [[nodiscard]] std::string expand(std::string_view value) {
        std::string out;
        while (out.size() <= value_bytes_max) {
            const auto start = value.find("${");
            const auto end = start == std::string_view::npos ? start : value.find('}', start);
            if (end == std::string_view::npos) break;
            const auto inside = value.substr(start + 2, end - start - 2);
            const auto dash = inside.find(":-");
            out.append(value.substr(0, start));
            const auto fallback = dash == std::string_view::npos
                                      ? std::nullopt
                                      : std::optional(inside.substr(dash + 2));
            out.append(variable(inside.substr(0, dash), fallback));
            value.remove_prefix(end + 1);
        }
        return out.append(value);
    }

    std::string_view variable(std::string_view name, std::optional<std::string_view> fallback) {
        using From = DotenvReference::From;
        const auto above = variables_.find(name);
        std::optional<std::string_view> found = process_.find(name);
        auto from = From::process;
        if (!found && above != variables_.end()) {
            found = above->second;
            from = From::line;
        } else if (!found) {
            from = fallback ? From::fallback : From::nobody;
        }
        uses_.push_back({std::string(name), from});
        return found ? *found : fallback.value_or("");
    }

    std::string_view text_;
    const Environment& process_;
    std::size_t at_ = 0;
    std::ptrdiff_t counted_ = 0;
    std::uint32_t before_ = 0;
    std::uint32_t line_ = 1;
    std::string name_;
    std::vector<DotenvReference> uses_;
    Variables variables_;
    std::vector<DotenvAssignment> assignments_;
};

/// Reads the whole of it. @return what is wrong, or nothing
std::optional<Problem> read_all(Parser& parser, std::string_view text, std::string_view file) {
    if (text.size() > dotenv_bytes_max)
        return Problem{std::string(file), 0, {}, "is larger than 256 KiB"};
    if (text.starts_with("\xEF\xBB\xBF"))
        return Problem{std::string(file), 1, {}, "begins with a byte order mark; save it without"};
    if (find_unreadable(text)) {
        return Problem{
            std::string(file), 0, {}, "holds bytes that are not UTF-8 text, or control characters"};
    }
    auto problem = parser.run();
    if (problem) problem->file = std::string(file);
    return problem;
}

}  // namespace

std::expected<Environment, Problem> parse_dotenv(std::string_view text, std::string_view file,
                                                 const Environment& process) {
    Parser parser(text, process);
    if (auto problem = read_all(parser, text, file)) return std::unexpected(*std::move(problem));
    return Environment(parser.take());
}

std::expected<std::vector<DotenvAssignment>, Problem> parse_dotenv_assignments(
    std::string_view text, std::string_view file, const Environment& process) {
    Parser parser(text, process);
    if (auto problem = read_all(parser, text, file)) return std::unexpected(*std::move(problem));
    return parser.take_assignments();
}

}  // namespace gh::config
