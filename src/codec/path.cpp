#include "codec/path.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "base/try.hpp"
#include "codec/hex.hpp"
#include "codec/utf8.hpp"

namespace gh::codec {
namespace {

enum class Byte : std::uint8_t {
    plain,  // pchar (RFC 3986 §3.3) that means nothing to us
    slash,
    percent,
    parameter,  // ';'
    escape,     // not allowed raw, yet sent: escaped
    backslash,
    delimiter,  // '?' and '#'
    control,    // with space: it would end a request line
    beyond,     // not ASCII
};

constexpr bool is_unreserved(std::uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

constexpr std::array<Byte, 256> classes = [] {
    std::array<Byte, 256> table{};
    for (std::size_t c = 0; c < 256; ++c) {
        table[c] = c <= ' ' || c == 0x7f                         ? Byte::control
                   : c >= 0x80                                   ? Byte::beyond
                   : is_unreserved(static_cast<std::uint8_t>(c)) ? Byte::plain
                                                                 : Byte::escape;
    }
    for (const char c : std::string_view("!$&'()*+,=:@"))
        table[static_cast<std::uint8_t>(c)] = Byte::plain;
    table['/'] = Byte::slash;
    table['%'] = Byte::percent;
    table[';'] = Byte::parameter;
    table['\\'] = Byte::backslash;
    table['?'] = table['#'] = Byte::delimiter;
    return table;
}();

std::unexpected<Error> refuse(std::string_view reason) {
    return fail(ErrorKind::invalid_argument, reason);
}

/// Does a "." or ".." segment, or an empty one that something follows, begin at `at`?
bool needs_work_at(std::string_view path, std::size_t at) {
    if (at == path.size()) return false;
    if (path[at] == '/') return true;
    if (path[at] != '.') return false;
    ++at;
    if (at < path.size() && path[at] == '.') ++at;
    return at == path.size() || path[at] == '/';
}

/// One pass over a path that needs nothing: the usual case.
bool is_normal(std::string_view path) {
    for (std::size_t i = 0; i < path.size(); ++i) {
        const auto kind = classes[static_cast<std::uint8_t>(path[i])];
        if (kind == Byte::plain) continue;
        if (kind != Byte::slash || needs_work_at(path, i + 1)) return false;
    }
    return true;
}

void append_escape(std::string& out, std::uint8_t byte) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

/// The byte that the escape at the front of `text` spells.
Result<std::uint8_t> read_escape(std::string_view text) {
    if (text.size() < 3 || text[0] != '%') return refuse("path.bad_escape");
    const int high = hex_value(text[1]), low = hex_value(text[2]);
    if (high < 0 || low < 0) return refuse("path.bad_escape");
    return static_cast<std::uint8_t>(high << 4 | low);
}

/// Rewrites a path segment by segment; what is written always is a normal path so far.
class Rewriter {
 public:
    Rewriter(std::string_view raw, PathRules rules) : rest_(raw), rules_(rules) {
        out_.reserve(raw.size() + 16);
    }

    Result<void> run() {
        while (!rest_.empty()) {
            rest_.remove_prefix(1);  // the slash
            GH_TRY_VOID(segment());
        }
        if (out_.empty()) out_ = "/";
        return {};
    }

    std::string take() { return std::move(out_); }

 private:
    Result<void> segment() {
        const auto start = out_.size();
        out_ += '/';
        while (!rest_.empty() && rest_[0] != '/') GH_TRY_VOID(character());
        const auto name = std::string_view(out_).substr(start + 1);
        const bool last = rest_.empty();
        if (name == "." || name == ".." || (name.empty() && !last)) {
            const bool up = name == "..";
            out_.resize(start);
            if (up) out_.resize(start == 0 ? 0 : out_.rfind('/'));
            if (last) out_ += '/';  // what was resolved was a directory
            return {};
        }
        return judge(name);
    }

    Result<void> character() {
        const char c = rest_[0];
        switch (classes[static_cast<std::uint8_t>(c)]) {
            case Byte::plain: out_ += c; break;
            case Byte::escape: append_escape(out_, static_cast<std::uint8_t>(c)); break;
            case Byte::percent: return escape();
            case Byte::parameter:
                if (!rules_.allow_parameters) return refuse("path.parameter");
                out_ += c;
                break;
            case Byte::backslash: return refuse("path.backslash");
            case Byte::delimiter: return refuse("path.delimiter");
            case Byte::control: return refuse("path.control");
            case Byte::beyond: return refuse("path.not_ascii");
            case Byte::slash: std::unreachable();
        }
        rest_.remove_prefix(1);
        return {};
    }

    Result<void> escape() {
        GH_TRY(const auto byte, read_escape(rest_));
        if (byte >= 0x80) return utf8(byte);
        rest_.remove_prefix(3);
        if (is_unreserved(byte)) {
            out_ += static_cast<char>(byte);
            return {};
        }
        if (byte < ' ' || byte == 0x7f) return refuse("path.control");
        if (byte == '\\') return refuse("path.backslash");
        if (byte == '/' && !rules_.allow_encoded_slash) return refuse("path.encoded_slash");
        append_escape(out_, byte);
        return {};
    }

    Result<void> utf8(std::uint8_t first) {
        const auto expected = utf8_rest(first);
        if (expected.bytes == 0) return refuse("path.not_utf8");
        rest_.remove_prefix(3);
        append_escape(out_, first);
        for (std::size_t i = 0; i < expected.bytes; ++i) {
            if (rest_.empty() || rest_[0] != '%') return refuse("path.not_utf8");
            GH_TRY(const auto byte, read_escape(rest_));
            const auto low = i == 0 ? expected.low : 0x80, high = i == 0 ? expected.high : 0xbf;
            if (byte < low || byte > high) return refuse("path.not_utf8");
            rest_.remove_prefix(3);
            append_escape(out_, byte);
        }
        return {};
    }

    /// A finished segment must not turn into ".", ".." or nothing for an upstream that decodes
    /// slashes or cuts parameters off: each part between encoded slashes is looked at as such an
    /// upstream would see it.
    [[nodiscard]] static Result<void> judge(std::string_view segment) {
        constexpr std::string_view slash = "%2F", semicolon = "%3B";
        for (bool first = true, more = true; more; first = false) {
            const auto end = segment.find(slash);
            more = end != std::string_view::npos;
            const auto part = segment.substr(0, end);
            if (more) segment.remove_prefix(end + slash.size());

            const auto raw = part.find(';');
            const auto name = part.substr(0, std::min(raw, part.find(semicolon)));
            const bool dots = name == "." || name == "..";
            if (name.size() != part.size() && (dots || raw == 0)) return refuse("path.parameter");
            if (dots && (more || !first)) return refuse("path.encoded_slash");
        }
        return {};
    }

    std::string_view rest_;
    PathRules rules_;
    std::string out_;
};

}  // namespace

Result<NormalPath> normalise_path(std::string_view raw, PathRules rules) {
    if (!raw.starts_with('/')) return refuse("path.relative");
    if (raw.size() > path_bytes_max) return refuse("path.too_long");
    NormalPath path;
    if (is_normal(raw)) {
        path.text_ = BorrowedText(raw);
        return path;
    }
    Rewriter rewriter(raw, rules);
    GH_TRY_VOID(rewriter.run());
    path.text_ = BorrowedText(rewriter.take());
    // Of what is left, not of what ".." took away: it is this path that is judged and sent.
    path.has_encoded_slash_ = path.view().contains("%2F");
    path.has_parameters_ = path.view().contains(';');
    return path;
}

}  // namespace gh::codec
