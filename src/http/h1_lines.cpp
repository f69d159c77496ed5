#include "http/h1_lines.hpp"

#include <cstring>
#include <limits>

#include "http/characters.hpp"

namespace gh::http::h1 {
namespace {

std::size_t find_lf(std::string_view bytes, std::size_t from) {
    if (from >= bytes.size()) return bytes.size();
    const auto* found = std::memchr(bytes.data() + from, '\n', bytes.size() - from);
    if (found == nullptr) return bytes.size();
    return static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
}

/// Of a line whose name ends, at `line[size]`, with something else than a colon.
std::string_view wrong_name(std::string_view line, std::size_t size) {
    const char c = line[size];
    if (c == '\n') return "http.line_end";
    if (size == 0 && (c == ' ' || c == '\t')) return "http.folding";
    return "http.field_name";
}

}  // namespace

bool is_worth_parsing(std::string_view bytes, std::size_t scanned, std::size_t bytes_max) {
    if (scanned == 0 || bytes.size() >= bytes_max) return true;
    for (auto at = find_lf(bytes, scanned); at < bytes.size(); at = find_lf(bytes, at + 1)) {
        if (at == 0 || bytes[at - 1] != '\r') return true;  // bare: will be refused
        if (at >= 2 && bytes[at - 2] == '\n') return true;  // the empty line
    }
    return false;
}

HeadResult read_fields(std::string_view bytes, std::size_t at, std::size_t fields_max,
                       Fields& out) {
    for (;;) {
        const auto line = bytes.substr(at);
        const auto name_size = token_prefix(line);
        if (name_size == line.size()) return incomplete();
        if (name_size == 0 && line.front() == '\r') {
            if (line.size() < 2) return incomplete();
            if (line[1] != '\n') return refused(400, "http.line_end");
            return complete(at + 2);
        }
        if (name_size == 0 || line[name_size] != ':') {
            return refused(400, wrong_name(line, name_size));
        }

        const auto rest = line.substr(name_size + 1);
        const auto value_size = value_prefix(rest);
        if (value_size == rest.size()) return incomplete();
        if (rest[value_size] != '\r') {
            return refused(400, rest[value_size] == '\n' ? "http.line_end" : "http.field_value");
        }
        if (value_size + 1 == rest.size()) return incomplete();
        if (rest[value_size + 1] != '\n') return refused(400, "http.line_end");

        if (out.size() == fields_max) return refused(431, "http.fields_too_many");
        out.add(line.substr(0, name_size), trim(rest.substr(0, value_size)));
        at += name_size + 1 + value_size + 2;
    }
}

std::optional<std::uint64_t> parse_length(std::string_view value) {
    constexpr std::uint64_t length_max = std::numeric_limits<std::int64_t>::max();
    if (value.empty()) return std::nullopt;
    std::uint64_t length = 0;
    for (const char c : value) {
        if (c < '0' || c > '9') return std::nullopt;
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (length > (length_max - digit) / 10) return std::nullopt;
        length = length * 10 + digit;
    }
    return length;
}

Coding transfer_coding(std::string_view value) {
    if (equals_ignoring_case(value, "chunked")) return Coding::chunked;
    bool ended = false;
    for (;;) {
        const auto comma = value.find(',');
        const auto coding = trim(value.substr(0, comma));
        const auto parameters = coding.find(';');
        if (ended || !is_token(trim(coding.substr(0, parameters)))) return Coding::malformed;
        ended = equals_ignoring_case(coding, "chunked");
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
    }
    return ended ? Coding::unknown : Coding::malformed;
}

void read_connection(std::string_view value, ConnectionOptions& options) {
    if (value == "keep-alive") {  // as nearly everybody says it
        options.keep_alive = true;
        return;
    }
    for (auto option = next_element(value); !option.empty(); option = next_element(value)) {
        if (equals_ignoring_case(option, "close"))
            options.close = true;
        else if (equals_ignoring_case(option, "keep-alive"))
            options.keep_alive = true;
        else if (equals_ignoring_case(option, "upgrade"))
            options.upgrade = true;
    }
}

}  // namespace gh::http::h1
