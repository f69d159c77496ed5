#include "config/problem.hpp"

#include <fmt/format.h>

#include <iterator>

namespace gh::config {

std::string Problem::line_text() const {
    std::string out = file;
    if (line > 0) fmt::format_to(std::back_inserter(out), ":{}", line);
    if (!key.empty()) fmt::format_to(std::back_inserter(out), ": {}", key);
    fmt::format_to(std::back_inserter(out), ": {}", text);
    return out;
}

void Problems::add(Problem problem) {
    if (problems_.size() == problems_max) {
        ++left_out_;
        return;
    }
    problems_.push_back(std::move(problem));
}

std::string Problems::text() const {
    std::string out;
    for (const auto& problem : problems_) {
        if (!out.empty()) out += '\n';
        out += problem.line_text();
    }
    if (left_out_ > 0) fmt::format_to(std::back_inserter(out), "\nand {} more", left_out_);
    return out;
}

std::unexpected<Error> Problems::error() const {
    return fail(ErrorKind::invalid_argument, "config.invalid", text());
}

namespace {

/// Is `path` the same as `above`, or below it?
bool is_within(std::string_view path, std::string_view above) {
    return path.starts_with(above) &&
           (path.size() == above.size() || path[above.size()] == '.' || path[above.size()] == '[');
}

}  // namespace

const std::string* Origins::find(std::string_view path) const {
    const auto found = written_.find(path);
    return found == written_.end() ? nullptr : &found->second;
}

void Origins::decide(std::string_view path, std::string_view variable) {
    std::erase_if(written_, [path](const auto& entry) { return is_within(entry.first, path); });
    decided_.insert_or_assign(std::string(path), std::string(variable));
}

std::string_view Origins::decider(std::string_view path) const {
    for (const auto& [above, variable] : decided_) {
        if (is_within(path, above)) return variable;
    }
    return {};
}

std::string quote(std::string_view text) {
    constexpr std::size_t shown_max = 80;
    std::string masked;
    // scheme://user:password@host: a mistake here must not put the password into a log.
    const auto scheme = text.find("://");
    const auto at = scheme == std::string_view::npos ? scheme : text.find('@', scheme);
    if (at != std::string_view::npos) {
        masked.append(text.substr(0, scheme + 3)).append("***").append(text.substr(at));
        text = masked;
    }
    std::string out = "\"";
    for (const char c : text.substr(0, shown_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    if (text.size() > shown_max) out += "...";
    out += '"';
    return out;
}

}  // namespace gh::config
