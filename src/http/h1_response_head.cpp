#include <algorithm>

#include "http/characters.hpp"
#include "http/h1_head.hpp"
#include "http/h1_lines.hpp"

namespace gh::http {
namespace {

using h1::complete;
using h1::incomplete;
using State = HeadResult::State;

HeadResult malformed() { return h1::refused(502, "upstream.malformed"); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// HTTP-version SP status-code [ SP [ reason-phrase ] ] CRLF (RFC 9112 §4; the second space is
/// missed by many).
HeadResult read_status_line(std::string_view bytes, ResponseHead& out) {
    constexpr std::size_t fixed = 12;  // "HTTP/1.1 200"
    constexpr std::string_view start = "HTTP/1.";
    if (bytes.size() <= fixed) {
        const auto common = std::min(bytes.size(), start.size());
        return bytes.substr(0, common) == start.substr(0, common) ? incomplete() : malformed();
    }
    if (!bytes.starts_with(start) || (bytes[7] != '0' && bytes[7] != '1') || bytes[8] != ' ') {
        return malformed();
    }
    out.version = bytes[7] == '1' ? Version::http_1_1 : Version::http_1_0;
    if (!is_digit(bytes[9]) || !is_digit(bytes[10]) || !is_digit(bytes[11])) return malformed();
    out.status = static_cast<std::uint16_t>((bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 +
                                            (bytes[11] - '0'));
    if (out.status < 100 || out.status > 599) return malformed();

    const auto rest = bytes.substr(fixed);
    const auto size = value_prefix(rest);
    if (size > 0 && rest.front() != ' ') return malformed();
    out.reason = size > 0 ? rest.substr(1, size - 1) : std::string_view{};
    if (size == rest.size()) return incomplete();
    if (rest[size] != '\r') return malformed();
    if (size + 1 == rest.size()) return incomplete();
    if (rest[size + 1] != '\n') return malformed();
    return complete(fixed + size + 2);
}

struct Meaning {
    const Field* length = nullptr;
    const Field* coding = nullptr;
    h1::ConnectionOptions connection;
};

bool read_meaning(const Fields& fields, Meaning& meaning) {
    for (const auto& line : fields) {
        if (line.id == FieldId::content_length) {
            if (meaning.length != nullptr) return false;
            meaning.length = &line;
        } else if (line.id == FieldId::transfer_encoding) {
            if (meaning.coding != nullptr) return false;
            meaning.coding = &line;
        } else if (line.id == FieldId::connection) {
            h1::read_connection(line.value, meaning.connection);
        }
    }
    return meaning.length == nullptr || meaning.coding == nullptr;
}

/// RFC 9112 §6.3.
bool read_framing(const Meaning& meaning, Method request_method, ResponseHead& out) {
    std::uint64_t length = 0;
    if (meaning.length != nullptr) {
        const auto parsed = h1::parse_length(meaning.length->value);
        if (!parsed) return false;
        length = *parsed;
    }
    if (meaning.coding != nullptr) {
        if (out.version == Version::http_1_0) return false;
        if (h1::transfer_coding(meaning.coding->value) != h1::Coding::chunked) return false;
    }

    if (out.status == 101) {
        out.body.kind = Framing::tunnel;
        out.keep_alive = false;
    } else if (out.status < 200 || out.status == 204) {
        // Whoever claims a body here may also send one, which would be read as the next response.
        if (meaning.coding != nullptr || length > 0) out.keep_alive = false;
    } else if (out.status == 304 || request_method == Method::head) {
        // What the fields say is about another response.
    } else if (meaning.coding != nullptr) {
        out.body.kind = Framing::chunked;
    } else if (meaning.length != nullptr) {
        out.body = {length == 0 ? Framing::none : Framing::length, length};
    } else {
        out.body.kind = Framing::until_close;
        out.keep_alive = false;
    }
    return true;
}

HeadResult parse(std::string_view bytes, const HeadLimits& limits, Method request_method,
                 ResponseHead& out) {
    const auto line = read_status_line(bytes, out);
    if (line.state != State::complete) return line;
    const auto fields = h1::read_fields(bytes, line.bytes, limits.fields_max, out.fields);
    if (fields.state == State::refused) {
        return fields.status == 431 ? h1::refused(502, "upstream.head_too_large") : malformed();
    }
    if (fields.state == State::incomplete) return fields;

    Meaning meaning;
    if (!read_meaning(out.fields, meaning)) return malformed();
    const bool is_1_1 = out.version == Version::http_1_1;
    out.keep_alive = !meaning.connection.close && (is_1_1 || meaning.connection.keep_alive);
    if (!read_framing(meaning, request_method, out)) return malformed();
    return fields;
}

}  // namespace

HeadResult parse_response_head(std::string_view bytes, const HeadLimits& limits,
                               Method request_method, ResponseHead& out, std::size_t& scanned) {
    if (!h1::is_worth_parsing(bytes, scanned, limits.bytes_max)) {
        scanned = bytes.size();
        return incomplete();
    }
    out.status = 0;
    out.reason = {};
    out.fields.clear();
    out.body = {};
    out.keep_alive = true;
    auto result = parse(bytes.substr(0, limits.bytes_max), limits, request_method, out);
    if (result.state == State::incomplete && bytes.size() >= limits.bytes_max) {
        result = h1::refused(502, "upstream.head_too_large");
    }
    scanned = result.state == State::incomplete ? bytes.size() : 0;
    return result;
}

}  // namespace gh::http
