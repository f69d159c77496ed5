#include "vault/hcl.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/try.hpp"

namespace gh::vault::hcl {
namespace {

class Parser {
 public:
    explicit Parser(std::string_view text) : rest_(text), all_(text) {}

    Result<std::vector<Block>> run() {
        std::vector<Block> blocks;
        for (;;) {
            GH_TRY_VOID(skip());
            if (rest_.empty()) return blocks;
            GH_TRY(const auto word, key());
            if (word == "name") {
                GH_TRY_VOID(expect('='));
                GH_TRY_VOID(quoted());
            } else if (word == "path") {
                GH_TRY(auto block, path_block());
                blocks.push_back(std::move(block));
            } else {
                return wrong("path \"...\" { } is expected");
            }
        }
    }

 private:
    [[nodiscard]] std::unexpected<Error> wrong(std::string what) const {
        const auto lines = std::ranges::count(all_.substr(0, all_.size() - rest_.size()), '\n');
        return fail(ErrorKind::invalid_argument, "policy.syntax",
                    "line " + std::to_string(lines + 1) + ": " + std::move(what));
    }

    /// White space and comments.
    Result<void> skip() {
        for (;;) {
            rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
            if (rest_.starts_with('#') || rest_.starts_with("//")) {
                rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
            } else if (rest_.starts_with("/*")) {
                const auto end = rest_.find("*/", 2);
                if (end == std::string_view::npos) return wrong("a comment does not end");
                rest_.remove_prefix(end + 2);
            } else {
                return {};
            }
        }
    }

    Result<bool> take(char c) {
        GH_TRY_VOID(skip());
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    Result<void> expect(char c) {
        GH_TRY(const bool there, take(c));
        if (there) return {};
        return wrong(std::string("'") + c + "' is expected");
    }

    Result<std::string> quoted() {
        GH_TRY_VOID(expect('"'));
        std::string text;
        for (;;) {
            if (rest_.empty() || rest_.front() == '\n') return wrong("a text does not end");
            char c = next();
            if (c == '"') return text;
            if (c == '$' && rest_.starts_with('{')) return wrong("${ } is not supported");
            if (c == '\\') {
                if (!rest_.starts_with('"') && !rest_.starts_with('\\'))
                    return wrong("only \\\" and \\\\ are escapes here");
                c = next();
            }
            text += c;
        }
    }

    char next() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    Result<std::string> key() {
        GH_TRY_VOID(skip());
        if (rest_.starts_with('"')) return quoted();
        const auto end =
            std::min(rest_.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"),
                     rest_.size());
        if (end == 0) return wrong("a name is expected");
        std::string word(rest_.substr(0, end));
        rest_.remove_prefix(end);
        return word;
    }

    Result<Setting> setting() {
        Setting made;
        GH_TRY(made.name, key());
        GH_TRY_VOID(expect('='));
        GH_TRY(made.is_list, take('['));
        if (!made.is_list) {
            GH_TRY(auto text, quoted());
            made.values = {std::move(text)};
            return made;
        }
        for (;;) {
            GH_TRY(const bool empty, take(']'));
            if (empty) return made;
            GH_TRY(auto text, quoted());
            made.values.push_back(std::move(text));
            GH_TRY(const bool more, take(','));
            if (more) continue;
            GH_TRY_VOID(expect(']'));
            return made;
        }
    }

    Result<Block> path_block() {
        Block block;
        GH_TRY(block.label, quoted());
        GH_TRY_VOID(expect('{'));
        for (;;) {
            GH_TRY(const bool over, take('}'));
            if (over) return block;
            GH_TRY(auto made, setting());
            const bool twice = std::ranges::find(block.settings, made.name, &Setting::name) !=
                               block.settings.end();
            if (twice) return wrong(made.name + " stands there twice");
            block.settings.push_back(std::move(made));
            GH_TRY_VOID(take(','));
        }
    }

    std::string_view rest_;
    const std::string_view all_;
};

}  // namespace

Result<std::vector<Block>> parse_paths(std::string_view text) { return Parser(text).run(); }

}  // namespace gh::vault::hcl
