#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace gh::config {

/// One thing wrong with a configuration.
struct Problem {
    std::string file;        ///< or "environment", "command line"
    std::uint32_t line = 0;  ///< 0: no line
    std::string key;         ///< "listeners[0].bind"; empty: the file as a whole
    std::string text;        ///< what is wrong, what is allowed; never a secret

    /// "gatehouse.yaml:7: listeners[0].bind: ..."
    [[nodiscard]] std::string line_text() const;
};

/// Everything wrong, in order of reading: people mend a file once, not line after line.
class Problems {
 public:
    static constexpr std::size_t problems_max = 100;  ///< more are counted, not kept

    void add(Problem problem);
    [[nodiscard]] bool empty() const { return problems_.empty(); }
    [[nodiscard]] const std::vector<Problem>& all() const { return problems_; }
    /// One line each.
    [[nodiscard]] std::string text() const;
    /// `invalid_argument` "config.invalid" with text() as detail.
    [[nodiscard]] std::unexpected<Error> error() const;

 private:
    std::vector<Problem> problems_;
    std::size_t left_out_ = 0;
};

/// Where values came from that do not stand in the file as they are.
class Origins {
 public:
    /// The value of `path` came through a reference: `written` is its text in the file, "${env:NAME}".
    /// `config show` prints that text instead of the value.
    void note(std::string path, std::string written) {
        written_.insert_or_assign(std::move(path), std::move(written));
    }
    [[nodiscard]] const auto& written() const { return written_; }
    /// nullptr: not through a reference.
    [[nodiscard]] const std::string* find(std::string_view path) const;

    /// An environment variable decided the value of `path` and of all below it.
    void decide(std::string_view path, std::string_view variable);
    /// The variable that decided `path`, or an empty view.
    [[nodiscard]] std::string_view decider(std::string_view path) const;

 private:
    std::map<std::string, std::string, std::less<>> written_;
    std::map<std::string, std::string, std::less<>> decided_;
};

/// For messages: in quotes, control characters escaped, at most 80 characters, passwords in URLs masked.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace gh::config
